{{/* What this mode lets nodens hold on a node. */}}
{{- define "nodens.isOnHost" -}}
{{- if ne .Values.mode "cilium" }}true{{ end }}
{{- end }}

{{/* The addresses that nodens listens on: with commas, as an argument has them. */}}
{{- define "nodens.addresses" -}}
{{- if eq .Values.mode "cilium" -}}
{{ ternary "0.0.0.0,::" "0.0.0.0" .Values.dualStack }}
{{- else if eq .Values.mode "ipvs" -}}
{{ .Values.config.localDns }}
{{- else -}}
{{ $both := .Values.config.localDns }}{{ printf "%s,%s" $both .Values.config.dnsServer }}
{{- end }}
{{- end }}

{{/* The first of our own addresses: where probes knock. */}}
{{- define "nodens.probeHost" -}}
{{ index (splitList "," .Values.config.localDns) 0 }}
{{- end }}

{{/* Where an HTTP service of the Corefile listens; the argument is a list of root and port. */}}
{{- define "nodens.at" -}}
{{- $root := index . 0 }}{{- $port := index . 1 }}
{{- if include "nodens.isOnHost" $root -}}
{{- $host := include "nodens.probeHost" $root -}}
{{ ternary (printf "[%s]" $host) $host (contains ":" $host) }}:{{ $port }}
{{- else -}}
:{{ $port }}
{{- end }}
{{- end }}

{{/* Labels of every object. Those of the addon manager are left out: it would take the objects for its own. */}}
{{- define "nodens.labels" -}}
app.kubernetes.io/name: nodens
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "nodens.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "nodens.upstreamService" -}}
{{ .Values.config.customUpstreamsvc | default "kube-dns-upstream" }}
{{- end }}

{{- define "nodens.scrapes" -}}
{{- if and .Values.prometheusScraping.enabled (not .Values.serviceMonitor.enabled) }}true{{ end }}
{{- end }}

{{/* Memory by the formula of `nodens manifests --help`, in MiB. */}}
{{- define "nodens.requestMib" -}}
{{- $entries := mul 8 (int64 .Values.config.cacheSize) -}}
{{ mul 4 (div (add (mul 26 1048576) (mul $entries 256) 4194303) 4194304) }}
{{- end }}
{{- define "nodens.limitMib" -}}
{{- $full := div (mul 8 (int64 .Values.config.cacheSize) 512 64) 21 -}}
{{ max 64 (mul 16 (div (add $full 16777215) 16777216)) }}
{{- end }}

{{/* `cache` of one zone; the argument is a dict of root, denialTTL and isPlain. */}}
{{- define "nodens.cache" -}}
{{- $config := .root.Values.config -}}
{{- if and .isPlain (eq (int $config.cacheSize) 9984) (not $config.prefetch.enabled) (not $config.serveStale.enabled) -}}
cache {{ $config.cacheTTL }}
{{- else -}}
cache {
    success {{ int $config.cacheSize }} {{ $config.cacheTTL }}
    denial {{ int $config.cacheSize }} {{ .denialTTL }}
{{- with $config.prefetch }}{{ if .enabled }}
    prefetch {{ .amount }} {{ .duration }} {{ .percentage }}
{{- end }}{{ end }}
{{- with $config.serveStale }}{{ if .enabled }}
    serve_stale {{ .duration }} {{ .mode }}
{{- end }}{{ end }}
}
{{- end }}
{{- end }}

{{/* What stands before `forward` in a block; the argument is that of nodens.cache. */}}
{{- define "nodens.opening" -}}
errors
{{- if .root.Values.config.enableLogging }}
log
{{- end }}
{{ include "nodens.cache" . }}
reload
loop
bind {{ include "nodens.addresses" .root | replace "," " " }}
{{- end }}

{{- define "nodens.forwardCluster" -}}
forward . __PILLAR__CLUSTER__DNS__ {
    {{ .Values.config.commProtocol }}
}
{{- end }}

{{- define "nodens.forwardRest" -}}
forward . {{ join " " .Values.config.upstreamServers | default "__PILLAR__UPSTREAM__SERVERS__" }}
{{- with .Values.config.upstreamForwardConfig | trim }} {
{{ indent 4 . }}
}
{{- end }}
{{- end }}

{{- define "nodens.corefile" -}}
{{- $config := .Values.config -}}
{{- $cluster := dict "root" . "denialTTL" 5 "isPlain" false -}}
{{- $rest := dict "root" . "denialTTL" $config.cacheTTL "isPlain" true -}}
{{ $config.dnsDomain }}:53 {
    {{- include "nodens.opening" $cluster | nindent 4 }}
    {{- include "nodens.forwardCluster" . | nindent 4 }}
    prometheus :{{ $config.metricsPort }}
    health {{ include "nodens.at" (list . $config.healthPort) }}
    {{- if not (include "nodens.isOnHost" .) }} {
        lameduck 5s
    }
    {{- end }}
    ready {{ include "nodens.at" (list . $config.readyPort) }}
}
{{- range list "in-addr.arpa" "ip6.arpa" }}
{{ . }}:53 {
    {{- include "nodens.opening" $rest | nindent 4 }}
    {{- include "nodens.forwardCluster" $ | nindent 4 }}
    prometheus :{{ $config.metricsPort }}
}
{{- end }}
.:53 {
    {{- include "nodens.opening" $rest | nindent 4 }}
    {{- include "nodens.forwardRest" . | nindent 4 }}
    prometheus :{{ $config.metricsPort }}
}
{{- with $config.extraServerBlocks | trim }}
{{ . }}
{{- end }}
{{- end }}
