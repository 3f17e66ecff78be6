// Command webhook-receiver prints the messages that a webhook of Pullchat posts, once their signature is verified.
//
//	WEBHOOK_SECRET=whsec_… go run ./examples/webhook-receiver
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	key, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = key.Verify(body, r.Header) // signature, and a timestamp of the last five minutes
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		fmt.Println(r.Header.Get("webhook-id"), string(body)) // after a failure an id may come again
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:9000", nil)) //nolint:gosec // an example
}
