package gateway

// answersOfWords are those of words that are counted.
func answersOfWords() map[string]answered {
	return map[string]answered{
		"words":                   {call{method: "GET", target: "/api/words"}, 200},
		"words of a chat":         {call{method: "GET", target: "/api/words?chat=room&since=5&limit=7"}, 200},
		"words since when":        {call{method: "GET", target: "/api/words?since=x"}, 400},
		"words with POST":         {call{method: "POST", target: "/api/words"}, 405},
		"put a word":              {call{method: "PUT", target: "/api/words/lunch"}, 200},
		"put a substring":         {call{method: "PUT", target: "/api/words/caf%C3%A9?chat=room&match=substring"}, 200},
		"put a word, other match": {call{method: "PUT", target: "/api/words/lunch?match=regexp"}, 400},
		"put a word, other query": {call{method: "PUT", target: "/api/words/lunch?x=1"}, 400},
		"delete a word":           {call{method: "DELETE", target: "/api/words/lunch?chat=room"}, 200},
		"a word with GET":         {call{method: "GET", target: "/api/words/lunch"}, 405},
	}
}
