package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// TestPictures takes the pictures of docs/web: PICTURES names the folder.
func TestPictures(t *testing.T) {
	folder := os.Getenv("PICTURES")
	if folder == "" {
		t.Skip("SKIPPED: make pictures takes the pictures of docs/web")
	}
	auth := programtest.NewAuth(t)
	serve := programtest.StartServe(t, auth.Gateways("METRICS_ADDR=127.0.0.1:0")...)
	base := "http://" + serve.Addr()
	p := people{t, map[string]*client.Client{}}
	for user, name := range map[string]string{
		"alice": "Alice", "bob": "Bob Okafor", "carol": "Carol", "dmitri": "Dmitri", "yusuf": "يوسف", "layla": "ليلى",
	} {
		p.clients[user] = newClient(t, base)
		if _, err := p.clients[user].Register(t.Context(), client.Registration{User: user, Password: programtest.Password, Name: name}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.clients[user].Login(t.Context(), user, programtest.Password); err != nil {
			t.Fatal(err)
		}
	}
	p.room("bob", client.NewRoom{ID: "release", Name: "Release 2.0", Users: []string{"alice", "dmitri"}})
	p.say("dmitri", "release", "The tests are green.")
	p.say("bob", "release", "Then I tag it @alice")
	p.room("yusuf", client.NewRoom{ID: "mountain", Name: "رحلة الجبل", Users: []string{"alice", "layla"}})
	p.say("yusuf", "mountain", "من سيأتي يوم الجمعة؟")
	p.say("layla", "mountain", "أنا! سأحضر القهوة ☕")
	p.say("alice", "mountain", "وأنا أيضًا")
	p.say("yusuf", "mountain", "هل نستعمل تطبيق Pullchat للخريطة؟")
	p.say("dmitri", "alice:dmitri", "Will you look at it?")
	p.say("alice", "alice:dmitri", "Sure, tonight")
	p.say("carol", "alice:carol", "Lunch tomorrow?")
	p.room("alice", client.NewRoom{ID: "books", Name: "Book club", Users: []string{"bob", "carol", "dmitri"}})
	p.say("carol", "books", "Has anyone started the new one yet?")
	p.say("dmitri", "books", "Two chapters in. No spoilers, please.")
	plan := p.say("alice", "books", "Starting tonight. The reading plan is here: https://example.org/plan")
	question := p.say("bob", "books", "Thanks @alice!\nThursday at seven, same place?")
	p.answer("dmitri", "books", question, "Works for me")
	p.answer("carol", "books", question, "I will bring the cake")
	for user, emoji := range map[string]string{"bob": "🎉", "carol": "🎉", "dmitri": "👍"} {
		if _, err := p.clients[user].React(t.Context(), client.Change{Chat: "books", SendTime: plan}, emoji); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.clients["alice"].RoomsAs("").Pin(t.Context(), "books", plan); err != nil {
		t.Fatal(err)
	}

	b := openPage(t, base)
	size := func(width, height int64) {
		t.Helper()
		if err := chromedp.Run(b.ctx, chromedp.EmulateViewport(width, height)); err != nil {
			t.Fatal(err)
		}
	}
	take := func(name string) {
		t.Helper()
		b.await("document.fonts.status === 'loaded' && !document.getAnimations().some(a => a.playState === 'running')")
		var png []byte
		if err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot(&png)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := func(theme, direction string) {
		t.Helper()
		eval[bool](b, "(localStorage['pullchat-theme'] = '"+theme+"', localStorage['pullchat-direction'] = '"+direction+"', true)")
		b.reload()
	}
	here := func() {
		t.Helper()
		b.shows(".conversation small", "1 here now")
	}
	size(1280, 880)
	b.write("input[name=user]", "alice")
	b.write("input[name=password]", programtest.Password+"\r")
	b.shows(".row", "Book club")
	set("light", "auto")
	b.press(".row", "Book club")
	b.shows(".text", "cake")
	eval[bool](b, "(location.hash = '#/', true)") // what was new is read
	b.shows("h2", "No chat is open")
	b.press(".row", "Book club")
	b.shows(".text", "cake")
	here()
	take("light")
	b.press(".answers", "2 answers")
	b.shows(".panel .answer", "cake")
	take("answers")
	set("dark", "auto")
	b.press(".row", "Release 2.0")
	b.press(".about", "")
	b.shows(".members", "Dmitri")
	here()
	take("dark")
	set("light", "rtl")
	b.press(".row", "رحلة الجبل")
	b.shows(".text", "القهوة")
	here()
	take("rtl")
	set("light", "auto")
	size(390, 800)
	b.press(".row", "Book club")
	b.shows(".text", "cake")
	here()
	take("phone")
	b.press(".back", "")
	b.shows(".row", "Carol")
	take("phone-list")
	size(1280, 880)
	if err := chromedp.Run(b.ctx, chromedp.Navigate(base+"/admin")); err != nil {
		t.Fatal(err)
	}
	b.write("input[name=token]", auth.ServiceToken("operator")+"\r")
	b.shows(".figures dd", "/s")
	take("admin")
}

// people write captions for the pictures.
type people struct {
	t       *testing.T
	clients map[string]*client.Client
}

func (p people) room(by string, r client.NewRoom) {
	p.t.Helper()
	if _, err := p.clients[by].RoomsAs("").Create(p.t.Context(), r); err != nil {
		p.t.Fatal(err)
	}
}

func (p people) say(by, chat, text string) (at int64) { return p.answer(by, chat, 0, text) }

func (p people) answer(by, chat string, to int64, text string) int64 {
	p.t.Helper()
	var content *client.Content
	if to != 0 {
		content = &client.Content{ReplyTo: to}
	}
	receipt, err := p.clients[by].Send(p.t.Context(), client.Message{Chat: chat, Sender: by, Text: text, Content: content})
	if err != nil {
		p.t.Fatal(err)
	}
	return receipt.SendTime
}
