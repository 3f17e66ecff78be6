package storage

import (
	"context"
	"embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// loadedScript is a script with its source, because redis.Script.Load takes the hash from the answer, which a pipeline does
// not have yet.
type loadedScript struct {
	*redis.Script
	source string
}

// script is one of scriptFiles, after others that have to stand before it. It belongs in allScripts.
func script(names ...string) loadedScript {
	var source strings.Builder
	for _, name := range names {
		text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err) // the program was built without it
		}
		source.Write(text)
	}
	return loadedScript{redis.NewScript(source.String()), source.String()}
}

var (
	appendScript  = script("log", "append_one", "append")
	checkedScript = script("entry", "reply", "log", "restraint", "append_one", "append_checked")
	roomScript    = script("entry", "log", "restraint", "room")
	unlistScript  = script("unlist")
	dropScript    = script("log", "drop")
	advanceScript = script("advance")
	attendScript  = script("attend")
	deliverScript = script("deliver")
)

// allScripts are called by their hash.
var allScripts = []loadedScript{
	appendScript, checkedScript, roomScript, unlistScript, dropScript, advanceScript, attendScript, deliverScript,
	attachScript, stateScript, chargeScript, unchargeScript, dueScript, unattachScript,
	targetScript, amendScript,
	deleteAccountScript, eraseScript, forgetScript,
	newestScript, ignoreScript,
	suspendScript, restoreScript, recordScript,
	previewScript, sendersScript,
	claimScript, commitScript, resetScript, workerScript, partitionsScript,
	subscribeScript, muteScript, pushedScript, furthestScript,
	reportScript, resolveScript, redactScript,
	revokeScript,
	registerScript, passwordScript, loginScript, refreshScript,
	hideScript,
	spendScript,
	readyScript,
	versionsScript,
	webhooksScript,
	putWordScript, deleteWordScript, wordsScript,
}

// loadScripts gives a Redis allScripts.
func loadScripts(ctx context.Context, client *redis.Client) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, s := range allScripts {
			p.ScriptLoad(ctx, s.source)
		}
		return nil
	})
	return err
}
