package main

import (
	"fmt"

	"github.com/pullchat/pullchat/client"
)

// words is the command "words".
type words struct {
	List   listWords  `cmd:"" default:"withargs" help:"List the registered words with the number of messages that contain them, the most frequent first. The default."`
	Put    putWord    `cmd:"" help:"Register a word, which is counted from then on."`
	Delete deleteWord `cmd:"" help:"Stop counting a word."`
}

// Help returns the text of --help beside the commands. Kong calls it.
func (*words) Help() string {
	return `A worker counts how many messages contain each registered word. With AUTH on, these commands need a service's token (pullchat token), or, with --chat, the session of an admin of that room.

    pullchat words put lunch
    pullchat words put --match substring --chat team deploy
    pullchat words --since 2026-11-01T00:00:00Z
    pullchat projections replay words --from 0   counts what was sent before, too`
}

type listWords struct {
	patience
	Chat  string    `name:"chat" placeholder:"CHAT" help:"The counts of this chat. Default: the sum of all chats."`
	Since startTime `name:"since" placeholder:"TIME" help:"Count from the hour of this time, such as 2026-11-01T00:00:00Z. Default: all hours."`
	Limit int       `name:"limit" placeholder:"N" help:"Words at most. Default: 100."`
}

// Run prints the words.
func (l *listWords) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	found, err := c.Words(ctx, client.WordsQuery{Chat: l.Chat, Since: int64(l.Since), Limit: l.Limit})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		complain("no word is registered; pullchat words put WORD registers one")
	}
	out := standardOutput(l.JSON, false)
	for _, w := range found {
		if err := out.print(wordLine(w), w); err != nil {
			return err
		}
	}
	return nil
}

// wordLine returns a word for people.
func wordLine(w client.Word) string {
	line := fmt.Sprintf("%8d  %s", w.Count, w.Word)
	if w.Match == "substring" {
		line += "  (substring)"
	}
	if w.Chat != "" {
		line += "  in " + w.Chat
	}
	return line
}

type putWord struct {
	patience
	Word  string `arg:"" help:"The word, without spaces."`
	Match string `name:"match" enum:"word,substring" default:"word" placeholder:"word|substring" help:"Count it as a whole word, or also inside of others: ${enum}."`
	Chat  string `name:"chat" placeholder:"CHAT" help:"Count it only in this chat. Default: in all."`
}

// Run registers the word.
func (p *putWord) Run(ctx contextType) error {
	c, err := p.client(p.notify)
	if err != nil {
		return err
	}
	w, err := c.PutWord(ctx, client.Word{Word: p.Word, Match: p.Match, Chat: p.Chat})
	if err != nil {
		return err
	}
	return standardOutput(p.JSON, false).print("registered "+w.Word, w)
}

type deleteWord struct {
	patience
	Word string `arg:"" help:"The word."`
	Chat string `name:"chat" placeholder:"CHAT" help:"The chat for which it is registered. Default: all."`
}

// Run deletes the word.
func (d *deleteWord) Run(ctx contextType) error {
	c, err := d.client(d.notify)
	if err != nil {
		return err
	}
	return c.DeleteWord(ctx, client.Word{Word: d.Word, Chat: d.Chat})
}
