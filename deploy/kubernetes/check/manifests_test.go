// Package check judges the manifests that the chart renders. It is a module of its own, because the types of Kubernetes would
// double the requirements of everything that imports Pullchat's client.
package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// rendered has the manifests: files NAME.yaml, one for each values file. make helm-check writes them.
const rendered = "RENDERED"

// TestManifests decodes every document with the types of Kubernetes, where an unknown or repeated field is an error,
// and checks references, which no schema can: between objects.
func TestManifests(t *testing.T) {
	dir := os.Getenv(rendered)
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if dir == "" || err != nil || len(files) < 7 {
		t.Fatalf("%s=%q has the files %q, %v; make helm-check renders seven and more", rendered, dir, files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			objects := decode(t, file)
			if len(objects) < 8 {
				t.Errorf("%d objects, want a whole deployment", len(objects))
			}
			for _, fault := range judge(objects) {
				t.Error(fault)
			}
		})
	}
}

func decode(t *testing.T, file string) (objects []runtime.Object) {
	t.Helper()
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, monitoring.AddToScheme} {
		if err := add(known); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	for documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if empty(document) {
			continue
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		objects = append(objects, object)
	}
}

// judge returns the faults between the objects of one release.
func judge(objects []runtime.Object) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	pods := map[string]core.PodTemplateSpec{}
	services, names := map[string]*core.Service{}, map[string]bool{}
	for _, object := range objects {
		meta := object.(v1.Object)
		id := fmt.Sprintf("%T/%s", object, meta.GetName())
		if names[id] {
			fault("%s is there twice", id)
		}
		names[id] = true
		switch o := object.(type) {
		case *apps.Deployment:
			pods[o.Name] = o.Spec.Template
			if !selects(o.Spec.Selector, o.Spec.Template.Labels) {
				fault("deployment %s does not select its own pods", o.Name)
			}
			judgePod(o, fault)
			judgeProbes(o, fault)
		case *core.Service:
			services[o.Name] = o
		}
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *core.Service:
			matched := 0
			for _, pod := range pods {
				if !labels.SelectorFromSet(o.Spec.Selector).Matches(labels.Set(pod.Labels)) {
					continue
				}
				matched++
				for _, port := range o.Spec.Ports {
					if !hasPort(pod, port.TargetPort.StrVal) {
						fault("service %s: its pods have no port %s", o.Name, port.TargetPort.StrVal)
					}
				}
			}
			if matched != 1 {
				fault("service %s selects the pods of %d deployments, want one", o.Name, matched)
			}
		case *policy.PodDisruptionBudget:
			if !selectsOne(o.Spec.Selector, pods) {
				fault("disruption budget %s does not select one deployment's pods", o.Name)
			}
		case *networking.NetworkPolicy:
			if !selectsOne(&o.Spec.PodSelector, pods) {
				fault("network policy %s does not select one deployment's pods", o.Name)
			}
		}
	}
	for _, object := range objects {
		if monitor, ok := object.(*monitoring.ServiceMonitor); ok {
			judgeMonitor(monitor, services, pods, fault)
		}
	}
	for name, pod := range pods {
		for _, variable := range pod.Spec.Containers[0].Env {
			if variable.Name != "RPC_SERVERS" {
				continue
			}
			host, _, _ := strings.Cut(variable.Value, ":")
			if service := services[host]; service == nil || service.Spec.ClusterIP != core.ClusterIPNone {
				fault("%s calls %s, which is no headless service", name, host)
			}
		}
	}
	return faults
}

// judgeMonitor: a monitor finds the metrics of every pod, at the port of METRICS_ADDR, in a service that only the cluster reaches.
func judgeMonitor(m *monitoring.ServiceMonitor, services map[string]*core.Service, pods map[string]core.PodTemplateSpec, fault func(string, ...any)) {
	for name, pod := range pods {
		found := 0
		for _, service := range services {
			if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) || !selects(&m.Spec.Selector, service.Labels) {
				continue
			}
			if m.Spec.JobLabel == "" || service.Labels[m.Spec.JobLabel] != "pullchat" {
				fault("the job of %s is %q, and the alerts ask for pullchat", service.Name, service.Labels[m.Spec.JobLabel])
			}
			for _, port := range service.Spec.Ports {
				if port.Name != m.Spec.Endpoints[0].Port {
					continue
				}
				found++
				if service.Spec.ClusterIP != core.ClusterIPNone {
					fault("the service %s may show metrics outside of the cluster", service.Name)
				}
				if listens := variable(pod, "METRICS_ADDR"); listens != fmt.Sprintf(":%d", portOf(pod, port.TargetPort.StrVal)) {
					fault("%s has METRICS_ADDR=%s, and %s leads to another port", name, listens, service.Name)
				}
			}
		}
		if found != 1 {
			fault("the monitor finds %s %d times, want once", name, found)
		}
	}
}

// variable returns a variable of a pod's program; "" for none.
func variable(pod core.PodTemplateSpec, name string) string {
	for _, v := range pod.Spec.Containers[0].Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// judgeProbes: every container is probed, at ports that it has. Only readiness may depend on other programs.
func judgeProbes(d *apps.Deployment, fault func(string, ...any)) {
	container := d.Spec.Template.Spec.Containers[0]
	for name, probe := range map[string]*core.Probe{"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		port := ""
		switch {
		case probe == nil:
			fault("%s has no %s probe", d.Name, name)
			continue
		case probe.HTTPGet != nil:
			port = probe.HTTPGet.Port.StrVal
			if (probe.HTTPGet.Path == "/readyz") != (name == "readiness") {
				fault("%s: the %s probe asks %s", d.Name, name, probe.HTTPGet.Path)
			}
		case probe.TCPSocket != nil:
			port = probe.TCPSocket.Port.StrVal
		}
		if !hasPort(d.Spec.Template, port) {
			fault("%s: the %s probe asks the port %q, which it does not have", d.Name, name, port)
		}
		if port == "metrics" && variable(d.Spec.Template, "METRICS_ADDR") == "" {
			fault("%s: the %s probe asks the listener of metrics, which is off", d.Name, name)
		}
	}
}

// judgePod: every container runs without privileges, and a stop is longer than its parts.
func judgePod(d *apps.Deployment, fault func(string, ...any)) {
	spec := d.Spec.Template.Spec
	if s := spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		fault("%s may run as root or without seccomp", d.Name)
	}
	volumes := map[string]bool{}
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = true
	}
	for _, container := range spec.Containers {
		s := container.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Capabilities == nil || len(s.Capabilities.Drop) != 1 {
			fault("%s may write its image or gain privileges", d.Name)
		}
		seen := map[string]bool{}
		for _, variable := range container.Env {
			if seen[variable.Name] {
				fault("%s has %s twice", d.Name, variable.Name)
			}
			seen[variable.Name] = true
		}
		for _, mount := range container.VolumeMounts {
			if !volumes[mount.Name] {
				fault("%s mounts %s, which is no volume", d.Name, mount.Name)
			}
		}
		if l := container.Lifecycle; l != nil && *spec.TerminationGracePeriodSeconds < l.PreStop.Sleep.Seconds+30 {
			fault("%s has %d s to stop, and sleeps %d of them", d.Name, *spec.TerminationGracePeriodSeconds, l.PreStop.Sleep.Seconds)
		}
	}
}

func hasPort(pod core.PodTemplateSpec, name string) bool { return portOf(pod, name) != 0 }

// portOf returns the port of a pod that has a name; 0 for none.
func portOf(pod core.PodTemplateSpec, name string) int32 {
	for _, port := range pod.Spec.Containers[0].Ports {
		if port.Name == name {
			return port.ContainerPort
		}
	}
	return 0
}

func selects(selector *v1.LabelSelector, of map[string]string) bool {
	s, err := v1.LabelSelectorAsSelector(selector)
	return err == nil && !s.Empty() && s.Matches(labels.Set(of))
}

func selectsOne(selector *v1.LabelSelector, pods map[string]core.PodTemplateSpec) bool {
	n := 0
	for _, pod := range pods {
		if selects(selector, pod.Labels) {
			n++
		}
	}
	return n == 1
}

// empty: comments only.
func empty(document []byte) bool {
	for line := range bytes.Lines(document) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && string(line) != "---" {
			return false
		}
	}
	return true
}
