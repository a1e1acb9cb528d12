{{- /* What a pod is made of, in a StatefulSet and in a Deployment. */ -}}
{{- define "kie-exporter.pod" -}}
metadata:
  labels:
    {{- include "kie-exporter.selector" . | nindent 4 }}
    {{- with include "kie-exporter.givenLabels" (list . .Values.podLabels) }}
    {{- trim . | nindent 4 }}
    {{- end }}
  annotations:
    {{- $own := dict "kubectl.kubernetes.io/default-container" "kie-exporter" }}
    checksum/config: {{ toYaml .Values.config | sha256sum }}
    {{- toYaml (omit (merge dict (.Values.podAnnotations | default dict) $own) "checksum/config") | nindent 4 }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.serviceAccountName }}
  serviceAccountName: {{ . | quote }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- if not (kindIs "invalid" .Values.terminationGracePeriodSeconds) }}
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  containers:
    - name: kie-exporter
      image: {{ include "kie-exporter.image" . }}
      {{- with .Values.image.pullPolicy }}
      imagePullPolicy: {{ . }}
      {{- end }}
      args:
        - --config.file=/etc/kie_exporter/kie_exporter.yml
        - --storage.path={{ if .Values.persistence.enabled }}/data/kie_exporter{{ end }}
        - --web.probe-listen-address=:10060
        {{- if .Values.web.existingSecret }}
        - --web.config.file=/run/secrets/kie-exporter-web/web.yml
        {{- end }}
        {{- if .Values.webhook.enabled }}
        - --web.webhook-listen-address=:10061
        {{- end }}
        {{- if gt (int .Values.shards) 1 }}
        - --shard=$(SHARD)
        - --total-shards={{ int .Values.shards }}
        {{- end }}
        {{- if include "kie-exporter.redis" . }}
        - --cluster.replica=$(POD_NAME)
        {{- end }}
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      ports:
        - name: http
          containerPort: 10059
        - name: health
          containerPort: 10060
        {{- if .Values.webhook.enabled }}
        - name: webhook
          containerPort: 10061
        {{- end }}
      # On a listener of their own: they work without the certificate or password of a web configuration.
      startupProbe:
        httpGet: {path: /-/ready, port: health}
        {{- toYaml .Values.startupProbe | nindent 8 }}
      livenessProbe:
        httpGet: {path: /-/healthy, port: health}
        {{- toYaml .Values.livenessProbe | nindent 8 }}
      readinessProbe:
        httpGet: {path: /-/ready, port: health}
        {{- toYaml .Values.readinessProbe | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      {{- $env := include "kie-exporter.env" . }}
      {{- if trim $env }}
      env:
        {{- trim $env | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/kie_exporter, readOnly: true}
        - {name: tasks, mountPath: /tasks, readOnly: true}
        {{- if .Values.existingSecret }}
        - {name: key, mountPath: /run/secrets/kie-exporter, readOnly: true}
        {{- end }}
        {{- range $i, $name := .Values.extraSecrets }}
        - {name: secret-{{ $i }}, mountPath: /run/secrets/{{ $name }}, readOnly: true}
        {{- end }}
        {{- if .Values.web.existingSecret }}
        - {name: web, mountPath: /run/secrets/kie-exporter-web, readOnly: true}
        {{- end }}
        {{- if .Values.persistence.enabled }}
        - {name: data, mountPath: /data}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "kie-exporter.fullname" . }}}
    - name: tasks
      configMap: {name: {{ include "kie-exporter.fullname" . }}-tasks}
    {{- with .Values.existingSecret }}
    - name: key # read again when it changes
      secret: {secretName: {{ . | quote }}, defaultMode: 0440}
    {{- end }}
    {{- range $i, $name := .Values.extraSecrets }}
    - name: secret-{{ $i }}
      secret: {secretName: {{ $name | quote }}, defaultMode: 0440}
    {{- end }}
    {{- with .Values.web.existingSecret }}
    - name: web
      secret: {secretName: {{ . | quote }}, defaultMode: 0440}
    {{- end }}
    {{- if .Values.persistence.enabled }}
    {{- with .Values.persistence.existingClaim }}
    - name: data
      persistentVolumeClaim: {claimName: {{ . | quote }}}
    {{- end }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if gt (int (include "kie-exporter.pods" .)) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "kie-exporter.selector" . | nindent 10 }}
  {{- end }}
{{- end -}}

{{- /* Environment variables, those that the flags above name first. */ -}}
{{- define "kie-exporter.env" -}}
{{- $own := list -}}
{{- range .Values.extraEnv }}{{ $own = append $own .name }}{{ end -}}
{{- $limit := dig "limits" "memory" "" .Values.resources -}}
{{- if and $limit (not (has "GOMEMLIMIT" $own)) }}
# 80 % of the memory limit, so that Go collects garbage before the kernel ends the process
- {name: GOMEMLIMIT, value: {{ include "kie-exporter.gomemlimit" $limit }}}
{{- end }}
{{- if gt (int .Values.shards) 1 }}
- name: SHARD # the number behind the pod's name
  valueFrom:
    fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}
{{- end }}
{{- if include "kie-exporter.redis" . }}
- name: POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
