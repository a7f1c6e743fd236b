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
{{- end }}
