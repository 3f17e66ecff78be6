package storage

import (
	"context"
	"embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// scripts are the sources of all that are called by their hash.
var scripts []string

// script is one of scriptFiles, after others that have to stand before it. It is loaded with the others.
func script(names ...string) *redis.Script {
	var source strings.Builder
	for _, name := range names {
		text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err) // the program was built without it
		}
		source.Write(text)
	}
	scripts = append(scripts, source.String())
	return redis.NewScript(source.String())
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

// loadScripts gives a Redis all scripts that are called by their hash.
func loadScripts(ctx context.Context, client *redis.Client) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, source := range scripts {
			p.ScriptLoad(ctx, source)
		}
		return nil
	})
	return err
}
