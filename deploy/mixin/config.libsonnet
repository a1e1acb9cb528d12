// What can be changed of the mixin, with its defaults. README.md says how.
{
  _config+:: {
    // Matchers of the exporter's series, for a Prometheus that has those of others, too: 'cluster="a"'. They are added to each query.
    selector: '',
    // The scrape job of the exporters, of which KieExporterDown tells.
    job: 'kie_exporter',

    // The share of tasks that shall succeed, and of single groups that differ: { checkout: 0.99 }.
    sloTarget: 0.95,
    sloTargetByGroup: {},
    // Credits below which KieCreditsLow fires, and of single accounts that differ: { production: 20000 }.
    creditsLow: 500,
    creditsLowByAccount: {},

    thresholds: {
      // KieErrorBudgetBurnFast and KieErrorBudgetBurnSlow: failures that there must be at least.
      burnLeastFailures: 10,
      // KieFailureRatioHigh: the share of a model's tasks that failed, and the least of failures.
      failureRatio: 0.25,
      failureRatioLeastFailures: 5,
      // KieFailureBurst: failures for one reason, and their share.
      burstFailures: 5,
      burstRatio: 0.1,
      // KieContentPolicyBurst: rejected prompts, and their share.
      contentPolicyFailures: 5,
      contentPolicyRatio: 0.2,
      // KieEmptyResults: the share of successes without a result.
      emptyResultsRatio: 0.01,
      // KieChargedFailures: credits that failed tasks took, and their share.
      chargedCredits: 100,
      chargedCreditsRatio: 0.05,
      // KieCreditsEmptySoon: hours that the credits last.
      creditsLeftHours: 6,
      // KieRateLimited: the share of requests that are refused as too many.
      rateLimitedRatio: 0.1,
      // KieAnswersOld: the age of the oldest answer about a task of its first day.
      answersOldSeconds: 1200,
      // KieTasksListedLate: the share of tasks that end before they are listed.
      listedLateRatio: 0.1,
    },

    // Whether there is an alert for each single task that fails, KieTaskFailed.
    singleTaskAlert: true,
    // Labels that each alert gets besides severity: { team: 'video' }.
    alertLabels: {},
    // Where runbooks and dashboards are; %s is the alert's name, or the dashboard's uid.
    runbookURL: 'https://github.com/kie-exporter/kie_exporter/blob/main/docs/runbooks/%s.md',
    dashboardURL: '/d/%s',
  },
}
