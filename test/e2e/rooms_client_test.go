package e2e

import (
	"slices"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestRoomsOfClient: with AUTH off, rooms exist too, for the user that a request names.
func TestRoomsOfClient(t *testing.T) {
	s := startStack(t, redistest.Start(t).URL())
	ctx, ann, bob := t.Context(), s.client.RoomsAs("ann"), s.client.RoomsAs("bob")
	made, err := ann.Create(ctx, client.NewRoom{Name: "The Room", Users: []string{"bob"}})
	if err != nil || made.ID == "" || made.Count != 2 {
		t.Fatalf("Create() = %+v, %v", made, err)
	}
	_, err = ann.Assign(ctx, made.ID, "bob", "admin")
	for _, change := range []func() (client.Room, error){
		func() (client.Room, error) { return ann.Open(ctx, made.ID) },
		func() (client.Room, error) { return s.client.RoomsAs("cid").Join(ctx, made.ID) },
		func() (client.Room, error) { return ann.Add(ctx, made.ID, "dan", "eve") },
		func() (client.Room, error) { return ann.Rename(ctx, made.ID, "Another") },
		func() (client.Room, error) { return bob.Remove(ctx, made.ID, "dan") },
		func() (client.Room, error) { return ann.Leave(ctx, made.ID) },
		func() (client.Room, error) { return bob.Close(ctx, made.ID) },
	} {
		if err == nil {
			_, err = change()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	shown, err := bob.Show(ctx, made.ID)
	var users []string
	for _, m := range shown.Members {
		users = append(users, m.User)
	}
	if err != nil || !slices.Equal(users, []string{"bob", "cid", "eve"}) || shown.Name != "Another" || shown.Visibility != "private" {
		t.Errorf("Show() = %+v, %v", shown, err)
	}
	if mine, err := bob.Mine(ctx, "", 0); err != nil || len(mine.Rooms) != 1 || mine.Rooms[0].Role != "admin" {
		t.Errorf("Mine() = %+v, %v", mine, err)
	}
	if public, err := bob.Public(ctx, "", 0); err != nil || len(public.Rooms) != 0 {
		t.Errorf("Public() = %+v, %v", public, err)
	}
	if err := bob.Delete(ctx, made.ID); err != nil {
		t.Error(err)
	}
	// Members are not checked: others send and pull too.
	if err := s.send(ctx, "hi"); err != nil {
		t.Error(err)
	}
	page, err := s.client.Pull(ctx, client.PullRequest{Chat: made.ID})
	if err != nil || len(page.Messages) != 0 {
		t.Errorf("Pull(what was deleted) = %+v, %v", page, err)
	}
}
