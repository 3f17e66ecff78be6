package tracing

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Config says where spans go. The variables of OpenTelemetry are read too, as docs/traces.md says.
type Config struct {
	TracesEndpoint string `name:"traces-endpoint" env:"TRACES_ENDPOINT,OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL" help:"URL to which traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318; empty for none."`
	TracesHeaders  string `name:"traces-headers" env:"TRACES_HEADERS,OTEL_EXPORTER_OTLP_TRACES_HEADERS,OTEL_EXPORTER_OTLP_HEADERS" secret:"" placeholder:"NAME=VALUE,..." help:"Headers of the requests to --traces-endpoint, such as Authorization=Bearer%20TOKEN."`
}

// tracesPath is where collectors take traces (OpenTelemetry Protocol Specification, OTLP/HTTP).
const tracesPath = "/v1/traces"

// Validate names every value that cannot work. Kong calls it.
func (c Config) Validate() error {
	if !c.on() { // the variables may be for other programs
		return nil
	}
	_, err := c.url()
	_, wrong := c.headers()
	return errors.Join(err, wrong, checkEnvironment())
}

// on reports whether spans are sent. OpenTelemetry's own switches win over an endpoint.
func (c Config) on() bool {
	return c.TracesEndpoint != "" && !strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") && os.Getenv("OTEL_TRACES_EXPORTER") != "none"
}

// url returns where spans are posted: the endpoint, with the usual path unless it has it.
func (c Config) url() (string, error) {
	u, err := url.Parse(c.TracesEndpoint)
	switch {
	case err != nil: // url.Parse repeats the text, which may have a password
		return "", errors.New("--traces-endpoint is not a URL, like http://127.0.0.1:4318")
	case u.User != nil:
		return "", errors.New("--traces-endpoint has a user or a password; --traces-headers (TRACES_HEADERS) is for secrets")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return "", errors.New("--traces-endpoint is not a URL like http://127.0.0.1:4318 or https://collector.example.org, without a query")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(u.Path, tracesPath) {
		u.Path += tracesPath
	}
	return u.String(), nil
}

// headers reads NAME=VALUE,... whose values are percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS are. Errors do not repeat
// values.
func (c Config) headers() (map[string]string, error) {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(c.TracesHeaders, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || !isToken(name) || err != nil || strings.ContainsFunc(value, isControl) {
			return nil, errors.New("--traces-headers is not NAME=VALUE,NAME=VALUE with percent-encoded values")
		}
		headers[name] = value
	}
	return headers, nil
}

// isToken reports whether text can be the name of a header (RFC 9110, 5.6.2).
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// samplers are the values of OTEL_TRACES_SAMPLER that the SDK knows.
var samplers = []string{"", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}

// checkEnvironment names a value of OpenTelemetry's variables that the SDK would replace by its default.
func checkEnvironment() error {
	if sampler := os.Getenv("OTEL_TRACES_SAMPLER"); !slices.Contains(samplers, sampler) {
		return fmt.Errorf("OTEL_TRACES_SAMPLER is %q; it is one of %s", sampler, strings.Join(samplers[1:], ", "))
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
			return fmt.Errorf("%s is %q; traces are sent by http/protobuf only, usually to port 4318", name, protocol)
		}
	}
	return nil
}
