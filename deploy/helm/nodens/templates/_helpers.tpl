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

{{/* Ours and theirs as one map, so that no key stands there twice; theirs win. The argument is a list of two maps. */}}
{{- define "nodens.joined" -}}
{{- $made := dict }}
{{- range . }}{{ range $key, $value := . | default dict }}{{ $_ := set $made $key $value }}{{ end }}{{ end }}
{{- toYaml $made }}
{{- end }}

{{- define "nodens.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary "node-local-dns" "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "nodens.scrapeAnnotations" -}}
{{- if include "nodens.scrapes" . }}
prometheus.io/port: {{ .Values.config.metricsPort | quote }}
prometheus.io/scrape: "true"
{{- end }}
{{- end }}

{{/* An updateStrategy that somebody chose; the deliveryhero chart's default, in a values file carried over, was not chosen. */}}
{{- define "nodens.chosenStrategy" -}}
{{- $carried := dict "type" "RollingUpdate" "rollingUpdate" (dict "maxUnavailable" "10%") }}
{{- with .Values.updateStrategy }}{{ if not (deepEqual . $carried) }}{{ toYaml . }}{{ end }}{{ end }}
{{- end }}

{{/* What is given of securityContext; the deliveryhero chart's default asks for less than every mode has. */}}
{{- define "nodens.chosenRights" -}}
{{- $carried := dict "capabilities" (dict "add" (list "NET_ADMIN")) }}
{{- with .Values.securityContext }}{{ if not (deepEqual . $carried) }}{{ toYaml . }}{{ end }}{{ end }}
{{- end }}

{{/* The rights that the mode needs, and what is given merged into them: keys take a key's place, capabilities are added. */}}
{{- define "nodens.rights" -}}
{{- $isOnHost := include "nodens.isOnHost" . }}
{{- $add := list }}
{{- if $isOnHost }}
{{- $add = list "NET_ADMIN" "NET_BIND_SERVICE" }}
{{- if or .Values.config.legacyIptables (eq .Values.config.steering "iptables") }}{{ $add = append $add "NET_RAW" }}{{ end }}
{{- end }}
{{- $user := ternary 0 65532 (eq $isOnHost "true") }}
{{- $made := dict "privileged" false "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true }}
{{- $_ := set $made "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- $_ := set $made "runAsUser" $user }}{{ $_ := set $made "runAsGroup" $user }}
{{- if not $isOnHost }}{{ $_ := set $made "runAsNonRoot" true }}{{ end }}
{{- $given := include "nodens.chosenRights" . | fromYaml }}
{{- $capabilities := get $given "capabilities" | default dict }}
{{- $add = concat $add (get $capabilities "add" | default list) | uniq }}
{{- $kept := dict "drop" (get $capabilities "drop" | default (list "ALL")) }}
{{- if $add }}{{ $_ := set $kept "add" $add }}{{ end }}
{{- $_ := set $made "capabilities" $kept }}
{{- /* Two pairs that the API server refuses, and one that the kubelet does. */}}
{{- if or (get $given "privileged") (has "SYS_ADMIN" $add) (has "CAP_SYS_ADMIN" $add) }}
{{- $_ := unset $made "allowPrivilegeEscalation" }}
{{- end }}
{{- if and (hasKey $given "runAsUser") (eq (toString (get $given "runAsUser")) "0") }}{{ $_ := unset $made "runAsNonRoot" }}{{ end }}
{{- range $key, $value := omit $given "capabilities" }}
{{- if kindIs "invalid" $value }}{{ $_ := unset $made $key }}{{ else }}{{ $_ := set $made $key $value }}{{ end }}
{{- end }}
{{- toYaml $made }}
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
{{- $servers := .Values.config.upstreamServers }}
{{- $lines := .Values.config.upstreamForwardConfig | default "" }}
{{- if not (kindIs "string" $lines) }}
{{- $all := list }}{{ range $lines }}{{ $all = append $all . }}{{ end }}
{{- $lines = join "\n" $all }}
{{- end -}}
forward . {{ kindIs "string" $servers | ternary $servers (join " " $servers) | trim | default "__PILLAR__UPSTREAM__SERVERS__" }}
{{- with $lines | trim }} {
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
