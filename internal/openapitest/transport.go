package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Transport returns a RoundTripper for an http.Client. It compares every exchange through next with the document, and
// fails t on a difference. The client sees the same answers, except that they arrive as a whole. A document that New
// rejects fails t at once.
func Transport(t testing.TB, document []byte, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	validator, err := New(document)
	if err != nil {
		t.Fatalf("New(document) = %v", err)
	}
	return validator.Transport(t, next)
}

// Transport is the function Transport for tests that share a Validator.
func (v *Validator) Transport(t testing.TB, next http.RoundTripper) http.RoundTripper {
	return &transport{t, v, next}
}

type transport struct {
	t         testing.TB
	validator *Validator
	next      http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	t.t.Helper()
	request, requestBody, err := keepBody(request)
	if err != nil {
		return nil, err
	}
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	responseBody, whole := keepAnswer(response)
	if !whole {
		return response, nil // the client sees the same error as without this RoundTripper
	}
	if err := t.validator.Check(request, requestBody, response, responseBody); err != nil {
		t.t.Errorf("%s %s answered %d, which is not as the document says: %v\nrequest body: %.500q\nresponse body: %.500q",
			request.Method, request.URL.RequestURI(), response.StatusCode, err, requestBody, responseBody)
	}
	return response, nil
}

// keepBody returns a copy of a request with its body, and reads the original's body.
func keepBody(request *http.Request) (*http.Request, []byte, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return request, nil, nil
	}
	body, err := io.ReadAll(request.Body)
	_ = request.Body.Close()
	if err != nil {
		return nil, nil, err
	}
	kept := request.Clone(request.Context())
	kept.Body = io.NopCloser(bytes.NewReader(body))
	return kept, body, nil
}

// keepAnswer makes the answer's body readable again and returns it. It returns false where the body ended too early.
func keepAnswer(response *http.Response) (body []byte, whole bool) {
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
		return body, false
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return body, true
}

// broken is a body that ended too early.
type broken struct{ err error }

// Read implements io.Reader.
func (b broken) Read([]byte) (int, error) { return 0, b.err }
