package gateway

// answersOfDevices are those to back ends of devices. large is a body that is too large.
func answersOfDevices(large string) map[string]answered {
	const target = "/api/devices/sensor1/responses"
	return map[string]answered{
		"response":                       {call{method: "POST", target: target, body: `{"uid":"1","status":"error","errorCode":"busy","errorMessage":"later","data":[1]}`}, 200},
		"response with all fields":       {call{method: "POST", target: target, body: `{"uid":"1","connection":"","action":"x","status":"ok","data":null}`}, 200},
		"response to no request":         {call{method: "POST", target: target, body: `{"uid":"2"}`}, 404},
		"response without a uid":         {call{method: "POST", target: target, body: `{}`}, 400},
		"response with another status":   {call{method: "POST", target: target, body: `{"uid":"1","status":"fine"}`}, 400},
		"response with what is no field": {call{method: "POST", target: target, body: `{"uid":"1","x":1}`}, 400},
		"response to no device":          {call{method: "POST", target: "/api/devices/a%20b/responses", body: `{"uid":"1"}`}, 400},
		"response with too much":         {call{method: "POST", target: target, body: large}, 413},
		"response as a form":             {call{method: "POST", target: target, contentType: "text/plain", body: `{"uid":"1"}`}, 415},
		"response with GET":              {call{method: "GET", target: target}, 405},
	}
}
