package check

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestRefusedValues: the chart names invalid values instead of rendering them.
func TestRefusedValues(t *testing.T) {
	helm, chart := os.Getenv("HELM"), os.Getenv("CHART")
	if helm == "" || chart == "" {
		t.Fatal("HELM and CHART are empty; make helm-check sets them")
	}
	const redis = "redis.url=redis://redis:6379/0"
	for _, c := range []struct{ name, set, want string }{
		{"no Redis", "image.tag=v1", "set redis.url"},
		{"two Redis", redis + ",redis.existingSecret=x", "both set"},
		{"a URL of something else", "redis.url=http://redis", "redis"},
		{"accounts without keys", redis + ",auth.enabled=true", "needs auth.existingSecret"},
		{"a monitor without metrics", redis + ",metrics.serviceMonitor.enabled=true", "needs metrics.enabled"},
		{"a tcp-server without a port", redis + ",tcpServer.enabled=true,tcpServer.port=0", "tcpServer needs"},
		{"TLS without a certificate", redis + ",tcpServer.enabled=true,tcpServer.tls=true", "needs tls.existingSecret"},
		{"a collector with a password", redis + ",traces.endpoint=http://me:secret@collector:4318", "endpoint"},
		{"an unknown value", redis + ",httpServer.replica=3", "replica"},
		{"an unknown group", redis + ",http.replicas=3", "http"},
		{"a word for a number", redis + ",rpcServer.replicas=many", "replicas"},
		{"a setting that the chart sets", redis + ",httpServer.env.HTTP_ADDR=:80", "HTTP_ADDR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			output, err := exec.Command(helm, "template", "pullchat", chart, "--kube-version", "1.30.0", "--set", c.set).CombinedOutput()
			if err == nil || !strings.Contains(string(output), c.want) {
				t.Errorf("helm template --set %s = %v, %.300s; want it refused with %q", c.set, err, output, c.want)
			}
		})
	}
}
