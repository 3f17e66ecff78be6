{{- define "pullchat.name" -}}
{{- .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name (.Values.nameOverride | default .Chart.Name)) (contains (.Values.nameOverride | default .Chart.Name) .Release.Name)) | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "pullchat.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "pullchat.name" .) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{/* Selector of one program: dict "root" $ "program" "http-server". It never changes, because Kubernetes refuses that. */}}
{{- define "pullchat.selector" -}}
app.kubernetes.io/name: pullchat
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .program }}
{{- end }}

{{- define "pullchat.labels" -}}
{{ include "pullchat.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* The enabled programs, as a JSON list: each has its name, its values, its port and a second one (0 for none). */}}
{{- define "pullchat.programs" -}}
{{- $all := list
  (dict "program" "http-server" "values" .Values.httpServer "port" 8080)
  (dict "program" "rpc-server" "values" .Values.rpcServer "port" 8888)
  (dict "program" "worker" "values" .Values.worker)
  (dict "program" "tcp-server" "values" .Values.tcpServer "port" (or .Values.tcpServer.port .Values.tcpServer.devicePort)
    "second" (ternary .Values.tcpServer.devicePort 0 (gt (int .Values.tcpServer.port) 0))) -}}
{{- $enabled := list -}}
{{- range $all }}{{- if .values.enabled }}{{- $enabled = append $enabled . }}{{- end }}{{- end -}}
{{- toJson $enabled -}}
{{- end }}

{{/* What the values cannot express in their schema. */}}
{{- define "pullchat.check" -}}
{{- if and .Values.auth.enabled (not .Values.auth.existingSecret) }}{{- fail "auth.enabled needs auth.existingSecret, a secret with AUTH_SECRET and RPC_SECRET" }}{{- end }}
{{- if and .Values.rpcServer.enabled (not .Values.redis.url) (not .Values.redis.existingSecret) }}{{- fail "set redis.url, or redis.existingSecret for a URL with a password" }}{{- end }}
{{- if and .Values.redis.url .Values.redis.existingSecret }}{{- fail "redis.url and redis.existingSecret are both set; set one" }}{{- end }}
{{- if and .Values.tcpServer.enabled (not .Values.tcpServer.port) (not .Values.tcpServer.devicePort) }}{{- fail "tcpServer needs tcpServer.port for telnet, tcpServer.devicePort for devices, or both" }}{{- end }}
{{- if and .Values.tcpServer.tls (not .Values.tls.existingSecret) }}{{- fail "tcpServer.tls needs tls.existingSecret" }}{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) }}{{- fail "metrics.serviceMonitor needs metrics.enabled" }}{{- end }}
{{- end }}
