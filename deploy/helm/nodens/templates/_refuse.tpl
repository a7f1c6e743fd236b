{{/* What a schema cannot say: values that do not go together. Included once, by the DaemonSet. */}}
{{- define "nodens.refuse" -}}
{{- $config := .Values.config }}
{{- $ipsOf := dict "config.localDns" $config.localDns }}
{{- if or (eq .Values.mode "iptables") (eq .Values.mode "nftables") }}
{{- $_ := set $ipsOf "config.dnsServer" $config.dnsServer }}
{{- end }}
{{- if include "nodens.isOnHost" . }}
{{- range $name, $given := $ipsOf }}
{{- $v6 := list }}{{ $v4 := list }}
{{- range splitList "," $given }}
{{- if regexMatch "^(127\\.|0\\.0\\.0\\.0$|255\\.255\\.255\\.255$|22[4-9]\\.|23[0-9]\\.|::1?$|[fF][fF])" . }}
{{- fail (printf "%s: %s is loopback, everything or a group; expected an address that pods send to" $name .) }}
{{- end }}
{{- if contains ":" . }}{{ $v6 = append $v6 . }}{{ else }}{{ $v4 = append $v4 . }}{{ end }}
{{- end }}
{{- if and $.Values.dualStack (not (and (eq (len $v4) 1) (eq (len $v6) 1))) }}
{{- fail (printf "%s: %s; expected one address of each family, with a comma between, since dualStack is true" $name $given) }}
{{- else if and (not $.Values.dualStack) (contains "," $given) }}
{{- fail (printf "%s: %s; expected one address, or dualStack: true" $name $given) }}
{{- end }}
{{- end }}
{{- if and (hasKey $ipsOf "config.dnsServer") (not .Values.dualStack) (ne (contains ":" $config.localDns) (contains ":" $config.dnsServer)) }}
{{- fail (printf "config.localDns: %s and config.dnsServer %s are of two families; expected one" $config.localDns $config.dnsServer) }}
{{- end }}
{{- end }}
{{- $taken := dict "53" "DNS" }}
{{- range list "healthPort" "readyPort" "metricsPort" "setupMetricsPort" }}
{{- $port := toString (int (index $config .)) }}
{{- if hasKey $taken $port }}
{{- fail (printf "config.%s: %s is taken by %s already; expected another port" . $port (get $taken $port)) }}
{{- end }}
{{- $_ := set $taken $port . }}
{{- end }}
{{- if $config.noIPv6Lookups }}
{{- fail "config.noIPv6Lookups: true; expected false: it needs `template`, which nodens does not serve" }}
{{- end }}
{{- range $name, $wanted := dict "number" "53" "tcp" "dns-tcp" "udp" "dns" }}
{{- $given := toString (index $config.port $name) }}
{{- if ne $given $wanted }}
{{- fail (printf "config.port.%s: %s; expected %s: pods ask port 53, and no other port or name is declared" $name $given $wanted) }}
{{- end }}
{{- end }}
{{- range list "nameOverride" "fullnameOverride" }}
{{- with index $.Values . }}
{{- fail (printf "nameOverride, fullnameOverride: %s; expected none: the objects have the official names, by which nodens takes the original's place" .) }}
{{- end }}
{{- end }}
{{- range list "podLabels" "daemonsetLabels" }}
{{- $given := get (index $.Values .) "k8s-app" }}
{{- if and $given (ne $given "node-local-dns") }}
{{- fail (printf "%s: k8s-app: %s; expected none of your own: the DaemonSet finds its pods by it" . $given) }}
{{- end }}
{{- end }}
{{- if and .Values.prometheusRule.enabled (not .Values.serviceMonitor.enabled) (not .Values.prometheusRule.selector) }}
{{- fail "prometheusRule.selector: none, and serviceMonitor is not enabled; expected what your Prometheus knows our targets by, such as job=\"kubernetes-pods\",k8s_app=\"node-local-dns\": the alerts ask for job=\"node-local-dns\", and one fires for ever where that is nobody" }}
{{- end }}
{{- end }}
