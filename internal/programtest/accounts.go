package programtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Password is that of all accounts of Accounts.
const Password = "correct horse"

// Accounts registers users at an http-server: with AUTH=on users who are added to a room need accounts. Users who are registered
// already stay as they are.
func Accounts(t testing.TB, base string, users ...string) {
	t.Helper()
	for _, user := range users {
		body := fmt.Sprintf(`{"user":%q,"password":%q}`, user, Password)
		response, err := http.Post(base+"/api/users", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if status := response.StatusCode; status != http.StatusCreated && status != http.StatusConflict {
			t.Fatalf("POST /api/users of %s = %d", user, status)
		}
	}
}
