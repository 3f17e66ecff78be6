package conformance

import (
	"fmt"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

func hasDeliveries(d Domain) bool { return d.Deliveries != nil }

var deliveryTests = []domainTest{
	{"receipts of a pair", hasDeliveries, testReceiptsOfPair},
	{"receipts of a room", hasDeliveries, testReceiptsOfRoom},
	{"who may ask for receipts", hasDeliveries, testMayAskReceipts},
	{"deliveries that are refused", hasDeliveries, testDeliveryRules},
	{"a live delivery", func(d Domain) bool { return hasDeliveries(d) && d.Watches != nil }, testLiveDelivery},
	{"receipts of a deleted user", func(d Domain) bool { return hasDeliveries(d) && d.Deletion != nil }, testReceiptsOfDeleted},
}

// deliver acknowledges messages of a device as a user, and returns the user's position.
func (d *domain) deliver(name, reader string, position int64) int64 {
	d.t.Helper()
	at, err := d.Deliveries.Deliver(as(chat.UserOf(reader)), chat.Delivery{Chat: name, Reader: reader, Position: position})
	if err != nil {
		d.t.Fatalf("Deliver(%s in %s, %d) = %v", reader, name, position, err)
	}
	return at.Position
}

// receipts checks how far a message has come.
func (d *domain) receipts(sender, name string, ref int64, want string) {
	d.t.Helper()
	r, err := d.Deliveries.Receipts(as(sender), chat.MessageReceiptsRequest{Chat: name, Ref: ref})
	got := fmt.Sprintf("%d: %s; %s", r.Recipients, strings.Join(r.DeliveredTo, " "), strings.Join(r.ReadBy, " "))
	if err != nil || got != want {
		d.t.Errorf("Receipts(%s, %d) = %q, %v; want %q", name, ref, got, err, want)
	}
}

func testReceiptsOfPair(d *domain) {
	first, second := d.send("ann", "ann:bob", "one"), d.send("ann", "ann:bob", "two")
	answer := d.send("bob", "ann:bob", "three")
	d.receipts("ann", "ann:bob", first, "1: ; ")
	if at := d.deliver("bob:ann", "bob/phone", first+1); at != first+1 {
		d.t.Errorf("Deliver() = %d, want %d", at, first+1)
	}
	d.receipts("ann", "bob:ann", first, "1: bob; ")
	d.receipts("ann", "ann:bob", second, "1: ; ")
	if at := d.deliver("ann:bob", "bob", first); at != first+1 {
		d.t.Errorf("Deliver() back = %d, want still %d", at, first+1)
	}
	if at := d.deliver("ann:bob", "bob", chat.MaxCursor); at != answer+1 {
		d.t.Errorf("Deliver() past the end = %d, want %d", at, answer+1)
	}
	d.receipts("ann", "ann:bob", second, "1: bob; ")
	d.read("bob/pad", "ann:bob", first+1, false, first+1)
	d.receipts("ann", "ann:bob", first, "1: bob; bob")
	d.receipts("bob", "ann:bob", answer, "1: ; ")
	d.read("ann", "ann:bob", answer+1, false, answer+1) // which implies that it was delivered
	d.receipts("bob", "ann:bob", answer, "1: ann; ann")
	at, err := d.Deliveries.Deliver(as("bob"), chat.Delivery{Chat: "ann:bob", Reader: "bob/pad", Position: 1})
	if want := (chat.Delivered{Position: answer + 1, Cursor: first + 1}); at != want || err != nil {
		d.t.Errorf("Deliver() of a device = %+v, %v; want %+v", at, err, want)
	}

	if err := d.Inboxes.Ignore(as("bob"), chat.IgnoreRequest{User: "bob", Other: "ann", Ignore: true}); err != nil {
		d.t.Fatal(err)
	}
	d.receipts("ann", "ann:bob", second, "1: ; ")
	self := d.send("ann", "ann:ann", "note")
	d.receipts("ann", "ann:ann", self, "0: ; ")
}

func testReceiptsOfRoom(d *domain) {
	d.register("ann", "bob", "cat", "dan")
	d.create("ann", "club", chat.Public, "bob", "cat")
	at := d.send("ann", "club", "hello")
	d.receipts("ann", "club", at, "2: ; ")
	d.deliver("club", "cat", at+1)
	d.deliver("club", "bob", at+1)
	d.read("bob", "club", at+1, false, at+1)
	d.receipts("ann", "club", at, "2: bob cat; bob")
	d.change("ann", "club", chat.AddMembers, "", "dan")
	d.deliver("club", "dan", at+1)
	d.receipts("ann", "club", at, "2: bob cat; bob") // dan came later
	d.change("ann", "club", chat.RemoveMembers, "", "cat")
	d.receipts("ann", "club", at, "1: bob; bob")
	if position := d.deliver("club", "cat", at+1); position != 0 {
		d.t.Errorf("Deliver() of one who is no member = %d, want 0: none is kept", position)
	}
	later := d.send("ann", "club", "again")
	d.receipts("ann", "club", later, "2: ; ")
	d.change("ann", "club", chat.AnnounceRoom, "") // a rule is no member
	d.deliver("club", "dan", later+1)
	d.receipts("ann", "club", later, "2: dan; ")
}

func testMayAskReceipts(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Private, "bob")
	at := d.send("bob", "club", "hello")
	pair := d.send("ann", "ann:bob", "hi")
	for _, c := range []struct {
		user string
		asks chat.MessageReceiptsRequest
		want chat.Code
	}{
		{"ann", chat.MessageReceiptsRequest{Chat: "club", Ref: at}, chat.PermissionDenied}, // though an admin
		{"eve", chat.MessageReceiptsRequest{Chat: "club", Ref: at}, chat.PermissionDenied},
		{"bob", chat.MessageReceiptsRequest{Chat: "ann:bob", Ref: pair}, chat.PermissionDenied},
		{"eve", chat.MessageReceiptsRequest{Chat: "ann:bob", Ref: pair}, chat.PermissionDenied},
		{"ann", chat.MessageReceiptsRequest{Chat: "ann:bob", Ref: pair + 1}, chat.NotFound},
		{"ann", chat.MessageReceiptsRequest{Chat: "nowhere", Ref: pair}, chat.NotFound},
		{"ann", chat.MessageReceiptsRequest{Chat: "ann:bob"}, chat.InvalidArgument},
		{"ann", chat.MessageReceiptsRequest{Chat: "club", Ref: d.pull("club", 0)[0].SendTime}, chat.InvalidArgument}, // a notice
	} {
		_, err := d.Deliveries.Receipts(as(c.user), c.asks)
		d.code(err, c.want, "Receipts(%s, %+v)", c.user, c.asks)
	}
	_, err := d.Deliveries.Receipts(asService(), chat.MessageReceiptsRequest{Chat: "club", Ref: at})
	d.code(err, "", "Receipts() of a service")
}

func testDeliveryRules(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Private)
	at := d.send("ann", "ann:bob", "hello")
	for _, c := range []struct {
		user string
		asks chat.Delivery
		want chat.Code
	}{
		{"eve", chat.Delivery{Chat: "ann:bob", Reader: "eve", Position: at}, chat.PermissionDenied},
		{"ann", chat.Delivery{Chat: "ann:bob", Reader: "bob", Position: at}, chat.PermissionDenied},
		{"bob", chat.Delivery{Chat: "club", Reader: "bob", Position: at}, chat.PermissionDenied},
		{"bob", chat.Delivery{Chat: "nowhere", Reader: "bob", Position: at}, chat.NotFound},
		{"bob", chat.Delivery{Chat: "ann:bob", Reader: "bob"}, chat.InvalidArgument},
		{"bob", chat.Delivery{Chat: "ann:bob", Reader: "bob", Position: chat.MaxCursor + 1}, chat.InvalidArgument},
	} {
		_, err := d.Deliveries.Deliver(as(c.user), c.asks)
		d.code(err, c.want, "Deliver(%s, %+v)", c.user, c.asks)
	}
	if got := d.deliver("bob:cat", "bob", at); got != 0 {
		d.t.Errorf("Deliver() where nothing was said = %d, want 0", got)
	}
}

// testLiveDelivery: in a two-person chat the other user gets an event of each movement; in a room no member does.
func testLiveDelivery(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Private, "bob")
	at, said := d.send("ann", "ann:bob", "hello"), d.send("ann", "club", "hello")
	w := d.watch("ann:bob", "club")
	d.deliver("club", "bob", said+1)
	d.deliver("ann:bob", "bob/phone", at+1)
	d.deliver("ann:bob", "bob", at+1) // nothing moves
	d.read("bob", "ann:bob", at+1, false, at+1)
	told := w.until("the delivery", func(e chat.Event) bool { return e.Kind == chat.Received })
	if told.Chat.String() != "ann:bob" || *told.Reading != (chat.Reading{Reader: "bob", Cursor: at + 1}) {
		d.t.Errorf("the event is %+v, %+v; want bob at %d", told, told.Reading, at+1)
	}
	later := d.send("ann", "ann:bob", "again")
	if err := d.Inboxes.Ignore(as("bob"), chat.IgnoreRequest{User: "bob", Other: "ann", Ignore: true}); err != nil {
		d.t.Fatal(err)
	}
	d.deliver("ann:bob", "bob", later+1)
	d.read("bob", "ann:bob", later+1, false, later+1) // is told after it
	w.until("the cursor", func(e chat.Event) bool {
		if e.Kind == chat.Received {
			d.t.Errorf("the event %+v, %+v is of a user who ignores the sender", e, e.Reading)
		}
		return e.Kind == chat.Moved && e.Reading.Cursor == later+1
	})
}

func testReceiptsOfDeleted(d *domain) {
	d.register("ann", "bob")
	at := d.send("ann", "ann:bob", "hello")
	d.deliver("ann:bob", "bob", at+1)
	d.deleted("bob", false)
	d.receipts("ann", "ann:bob", at, "1: ; ")
}
