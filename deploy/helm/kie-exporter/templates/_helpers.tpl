{{- define "kie-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains "kie-exporter" .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-kie-exporter" (.Release.Name | trunc 27 | trimSuffix "-") }}
{{- end -}}
{{- end -}}

{{- /* What Services, policies and the workload select pods by. The first is the job of the series, by the ServiceMonitor's jobLabel. */ -}}
{{- define "kie-exporter.selector" -}}
app.kubernetes.io/name: kie_exporter
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "kie-exporter.labels" -}}
{{ include "kie-exporter.labelsAnd" (list . nil) }}
{{- end -}}

{{- /* The labels of an object that has some of its own. */ -}}
{{- define "kie-exporter.labelsAnd" -}}
{{- $top := first . -}}
{{ include "kie-exporter.selector" $top }}
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
helm.sh/chart: {{ $top.Chart.Name }}-{{ $top.Chart.Version | replace "+" "_" }}
{{- include "kie-exporter.givenLabels" . }}
{{- end -}}

{{- /* What values name as labels of all objects and of this one. Its own count, and each is there once, as Flux reads no key that is there twice. */ -}}
{{- define "kie-exporter.givenLabels" -}}
{{- with merge dict (last . | default dict) ((first .).Values.commonLabels | default dict) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The settings of Redis as YAML, nothing if there are none. */ -}}
{{- define "kie-exporter.redis" -}}
{{- with (.Values.config.storage | default dict).redis -}}{{ toYaml . }}{{- end -}}
{{- end -}}

{{- define "kie-exporter.pods" -}}
{{- if and (gt (int .Values.shards) 1) .Values.replicas }}{{ int .Values.shards }}{{ else }}{{ int .Values.replicas }}{{ end -}}
{{- end -}}

{{- /* Something has to stay with a pod: its volume, or which shard it is. */ -}}
{{- define "kie-exporter.stateful" -}}
{{- if or .Values.persistence.enabled (gt (int .Values.shards) 1) }}yes{{ end -}}
{{- end -}}

{{- /* 80 % of a quantity of memory, as Go writes it. */ -}}
{{- define "kie-exporter.gomemlimit" -}}
{{- $text := . -}}
{{- if not (kindIs "string" .) }}{{ $text = printf "%.0f" (float64 .) }}{{ end -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- $bytes := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- if not (and $number (hasKey $bytes $unit)) -}}
{{- fail (printf "resources.limits.memory: %q is no number with k, M, G, T, Ki, Mi, Gi or Ti" $text) -}}
{{- end -}}
{{- printf "%.0fMiB" (divf (mulf (float64 $number) (float64 (get $bytes $unit)) 0.8) 1048576) -}}
{{- end -}}

{{- /* A time of Prometheus in milliseconds. */ -}}
{{- define "kie-exporter.milliseconds" -}}
{{- $sum := 0 -}}
{{- range $unit, $worth := dict "h" 3600000 "m" 60000 "s" 1000 "ms" 1 -}}
{{- with regexFind (printf "[0-9]+%s([0-9]|$)" $unit) $ -}}
{{- $sum = add $sum (mul (regexFind "^[0-9]+" . | atoi) $worth) -}}
{{- end -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- define "kie-exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* Ports of Redis' addresses, as a list of strings in JSON. */ -}}
{{- define "kie-exporter.redisPorts" -}}
{{- $ports := list -}}
{{- range (include "kie-exporter.redis" . | fromYaml).addresses -}}
{{- if not (hasPrefix "/" .) -}}{{- $ports = append $ports (regexFind "[0-9]+$" .) -}}{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{- /* What the schema can't say. */ -}}
{{- define "kie-exporter.check" -}}
{{- $redis := include "kie-exporter.redis" . -}}
{{- $shards := int .Values.shards -}}
{{- $pods := int (include "kie-exporter.pods" .) -}}
{{- if and (gt (int .Values.replicas) 1) (not $redis) -}}
{{- fail "replicas: without config.storage.redis each pod would ask about every task, at several times the account's rate; give Redis, or use shards" -}}
{{- end -}}
{{- if and (gt $shards 1) $redis -}}
{{- fail "shards: not for use with config.storage.redis, by which pods divide accounts themselves; set replicas" -}}
{{- end -}}
{{- range $i, $account := (.Values.config.accounts | default (list dict)) -}}
{{- if gt $shards (int (dig "max_concurrent" 4 $account)) -}}
{{- fail (printf "shards: %d shards need a max_concurrent of at least %d in config.accounts[%d]: each sends at least one request at a time" $shards $shards $i) -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "://[^/?#\\s\"]*:[^/?#\\s\"]*@" (toJson .Values.config) -}}
{{- fail "config: a URL with a password would be in a ConfigMap; use basic_auth with password_file, or proxy_from_environment with a variable of extraEnv that is from a Secret" -}}
{{- end -}}
{{- if and .Values.persistence.existingClaim (gt $pods 1) -}}
{{- fail "persistence.existingClaim: is for a single pod, since a storage has one writer" -}}
{{- end -}}
{{- range .Values.extraSecrets -}}
{{- if has . (list "kie-exporter" "kie-exporter-web") -}}
{{- fail (printf "extraSecrets: /run/secrets/%s is taken; name it in %s" . (ternary "existingSecret" "web.existingSecret" (eq . "kie-exporter"))) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.webhook.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.webhookFrom) -}}
{{- fail "networkPolicy.webhookFrom: name your ingress controller, else no callback gets through" -}}
{{- end -}}
{{- if and .Values.webhook.ingress.enabled (not (and .Values.webhook.enabled .Values.webhook.ingress.host)) -}}
{{- fail "webhook.ingress: needs webhook.enabled and webhook.ingress.host" -}}
{{- end -}}
{{- $labels := dict "commonLabels" .Values.commonLabels "podLabels" .Values.podLabels "serviceMonitor.labels" .Values.serviceMonitor.labels
  "prometheusRule.labels" .Values.prometheusRule.labels "dashboards.labels" .Values.dashboards.labels -}}
{{- range $where, $given := $labels -}}
{{- range $name, $_ := $given -}}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|version|managed-by|component)|helm\\.sh/chart)$" $name -}}
{{- fail (printf "%s: the chart itself sets %s" $where $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if lt (int64 (include "kie-exporter.milliseconds" .Values.serviceMonitor.interval)) (int64 (include "kie-exporter.milliseconds" .Values.serviceMonitor.scrapeTimeout)) -}}
{{- fail (printf "serviceMonitor.scrapeTimeout: is longer than serviceMonitor.interval, %s, with which prometheus-operator takes no ServiceMonitor" .Values.serviceMonitor.interval) -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- if regexMatch "^--(no-)?(config\\.|storage\\.path|web\\.(config\\.file|listen-address|probe-listen-address|webhook-listen-address|systemd-socket)|shard|total-shards|cluster\\.|demo|task\\.|help|version)" . -}}
{{- fail (printf "extraArgs: %s is set by other values of the chart, or not for use in it" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
