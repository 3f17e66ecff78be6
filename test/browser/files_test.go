package browser

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/pullchat/pullchat/internal/programtest"
)

// picture is a GIF of one pixel.
const picture = "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// TestFiles: people send pictures and other files to each other. Active content is never shown in place, whatever it is called.
func TestFiles(t *testing.T) {
	serving := programtest.StartServe(t)
	base := "http://" + serving.Addr()
	alice, bob := openPage(t, base), openPage(t, base)
	alice.write("input[name=user]", "alice\r")
	bob.write("input[name=user]", "bob\r")
	alice.press("button", "New chat")
	alice.write(".dialog input", "bob\r")
	alice.write("#text", "a dot")
	alice.choose(".attach input", "dot.gif", "image/gif", picture)
	alice.await(`said().join() === 'a dot' && document.querySelector('#text').value === ''`)
	bob.press(".row", "alice")
	bob.await(`said().join() === 'a dot'`)
	const shown = `(image => !!image?.complete && image.naturalWidth === 1 && image.alt === 'dot.gif')(document.querySelector('.attachment img'))`
	alice.await(shown)
	bob.await(shown)

	const script = `<svg xmlns="http://www.w3.org/2000/svg" onload="top.faults.push('ran')"><script>top.faults.push('ran')</script></svg>`
	bob.choose(".attach input", "<img src=x onerror=faults.push('ran')>.svg", "image/svg+xml", script)
	alice.shows(".attachment.file", "onerror")
	if got := eval[string](alice, `(async () => {
		const last = (await (await fetch('api/pull?chat=alice:bob&reader=alice&cursor=0&limit=100')).json()).messages.at(-1)
		const { url } = await (await fetch('api/attachments/' + last.body.attachment + '?chat=alice:bob&as=alice')).json()
		const answer = await fetch(url)
		return answer.headers.get('Content-Type') + ' ' + (await answer.text()).length
	})()`); got != fmt.Sprint("application/octet-stream ", len(script)) {
		t.Errorf("an SVG is served as %s bytes, want application/octet-stream of %d", got, len(script))
	}

	// A file may be an answer. The reply is kept until the file was sent.
	alice.press(".message:not(.own) .actions summary", "")
	alice.press(".actions[open] button", "Answer")
	alice.shows(".doing", "onerror")
	alice.choose(".attach input", "answer.gif", "image/gif", picture)
	bob.shows(".message:has([alt='answer.gif']) .quote", "onerror")
	alice.await(`all('.doing', '').length === 0`)

	// A file of a message that is deleted is gone, and so is its picture.
	eval[bool](alice, "(window.confirm = () => true)()")
	alice.press(".message.own .actions summary", "")
	alice.press(".actions[open] .danger", "Delete")
	bob.await(`all('[alt="dot.gif"]', '').length === 0`)
	alice.await(`all('[alt="dot.gif"]', '').length === 0`)
}

// choose gives a file to a field.
func (b *tab) choose(selector, name, kind, content string) {
	b.t.Helper()
	b.await(fmt.Sprintf("!!document.querySelector(%q)", selector))
	eval[bool](b, fmt.Sprintf(`((field, name, type, content) => {
		const chosen = new DataTransfer()
		chosen.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name, { type }))
		field.files = chosen.files
		return field.dispatchEvent(new Event('change', { bubbles: true }))
	})(document.querySelector(%q), %q, %q, %q)`, selector, name, kind, base64.StdEncoding.EncodeToString([]byte(content))))
}
