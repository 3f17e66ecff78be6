package gateway

// answersOfProjections are those of projections. large is a body that is too large.
func answersOfProjections(large string) map[string]answered {
	return map[string]answered{
		"projections":                  {call{method: "GET", target: "/api/projections"}, 200},
		"projections with PUT":         {call{method: "PUT", target: "/api/projections"}, 405},
		"a projection":                 {call{method: "GET", target: "/api/projections/words"}, 200},
		"replay":                       {call{method: "POST", target: "/api/projections/words", body: `{"action":"replay","start":5}`}, 200},
		"skip a chat":                  {call{method: "POST", target: "/api/projections/words", body: `{"action":"skip","chat":"room"}`}, 200},
		"change with a number":         {call{method: "POST", target: "/api/projections/words", body: `{"action":1}`}, 400},
		"change with what is no field": {call{method: "POST", target: "/api/projections/words", body: `{"action":"skip","x":1}`}, 400},
		"change with too much":         {call{method: "POST", target: "/api/projections/words", body: large}, 413},
		"change with a query":          {call{method: "POST", target: "/api/projections/words?x=1", body: `{"action":"skip"}`}, 400},
		"dead letters":                 {call{method: "GET", target: "/api/projections/words/dead?limit=5"}, 200},
		"dead letters, wrong limit":    {call{method: "GET", target: "/api/projections/words/dead?limit=x"}, 400},
		"dead letters with POST":       {call{method: "POST", target: "/api/projections/words/dead"}, 405},
	}
}
