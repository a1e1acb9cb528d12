// A team's own rendering: `jsonnet -J vendor -S -c -m OUT example.jsonnet` writes these files into the folder OUT.
local kie = (import 'github.com/kie-exporter/kie_exporter/deploy/mixin/mixin.libsonnet') + {
  _config+:: {
    selector: 'cluster="a"',
    sloTarget: 0.9,
    sloTargetByGroup: { checkout: 0.99 },
    creditsLow: 1000,
    creditsLowByAccount: { production: 20000 },
    thresholds+: { burstFailures: 20 },
    singleTaskAlert: false,
    alertLabels: { team: 'video' },
    runbookURL: 'https://wiki.example/kie/%s',
    dashboardURL: 'https://grafana.example/d/%s',
  },
};

{
  'alerts.yml': std.manifestYamlDoc(kie.prometheusAlerts),
  'rules.yml': std.manifestYamlDoc(kie.prometheusRules),
} + {
  [name]: std.manifestJsonEx(kie.grafanaDashboards[name], '  ')
  for name in std.objectFields(kie.grafanaDashboards)
}
