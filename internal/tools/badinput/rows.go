// The rows: what comes in, what must happen, and the tests that see to it.

package main

import "slices"

// section is a way in for bad input.
type section struct {
	title string
	rows  []row
}

// row is an input. Its tests are named package.Test or package.Test/subtest.
type row struct {
	input, then string
	tests       []string
}

func sections() []section {
	return []section{
		{"Answers of the API", slices.Concat(refusals(), oddAnswers(), oddTimes())},
		{"Connections to the API", connections()},
		{"The API key", key()},
		{"Configuration", configuration()},
		{"Task lists", lists()},
		{"Pushes", pushes()},
		{"Requests from outside", requests()},
		{"Storage", storage()},
	}
}

func refusals() []row {
	return []row{
		{
			"HTTP 200 with code 401",
			"class auth; the gate closes, with a trial a minute; `kie_up` 0; last states kept; the key shown nowhere",
			[]string{
				"kie.TestCodeInTheEnvelopeDecidesTheClass", "budget.TestRefusalsCloseTheGateWithATrialAMinute",
				"tracker.TestARevokedKeyStopsTheQueriesAndANewOneStartsThem",
				"app.TestATroubledAPIDoesNotTroubleTheScrape/HTTP 200 with code 401", "app.TestNoSecretGetsOutOnAnyErrorPath",
			},
		},
		{
			"HTTP 200 with code 429, no Retry-After",
			"the gate closes for 5 s doubling to 5 min, ± 20 %; pace halved; no task is touched",
			[]string{
				"budget.TestRateLimitedClosesTheGateForFiveSecondsDoubling", "budget.TestPaceIsHalvedAndRecovers", "tracker.TestARateLimitTouchesNoTask",
			},
		},
		{
			"429 with Retry-After 31536000, 9223372037, -5, 0, abc, a past date, a future date",
			"1 s to 5 min at most, or as if absent; no overflow; no more queries than without a limit",
			[]string{
				"budget.TestRetryAfterIsClamped/31536000", "budget.TestRetryAfterIsClamped/9223372037", "budget.TestRetryAfterIsClamped/-5",
				"budget.TestRetryAfterIsClamped/0", "budget.TestRetryAfterIsClamped/abc",
				"budget.TestRetryAfterIsClamped/Mon, 23 Nov 2020 12:00:00 GMT", "budget.TestRetryAfterIsClamped/Mon, 23 Nov 2099 12:00:00 GMT",
				"budget.TestFloodOf429NeverTurnsIntoMoreQueries", "kie.FuzzRetryAfter",
			},
		},
		{
			"code 501 or 408 in the envelope: once; twice, 30 s apart; as bare HTTP status",
			"not failed yet; failed, never asked again; class server",
			[]string{
				"tracker.TestAWithdrawnFailureIsNone", "tracker.TestFailureInTheEnvelopeNeedsASecondAnswer",
				"tracker.TestBareStatus501IsNoFailureOfTheTask", "kie.TestStatusDecidesOnlyWithoutEnvelope",
			},
		},
		{
			"422 `recordInfo is null` 2 s after the id appeared, 100 s, a day and a week after",
			"no error in the first 90 s; then class not_found, asked less and less; never again after 7 days, and then neither overdue nor the oldest",
			[]string{
				"tracker.TestATaskThatAppearsDuringTheGraceIsAnOrdinaryOne", "tracker.TestATaskNotFoundIsAskedLessAndLess",
				"tracker.TestATaskTooOldToBeOnRecordIsNotAskedAgain", "tracker.TestATaskGivenUpIsNeitherOverdueNorTheOldest",
				"web.TestATaskGivenUpIsShownAsThatAndIsNotTheOldest",
			},
		},
	}
}

func oddAnswers() []row {
	return []row{
		{
			"data that is null, a list or a text", "class not_found; decode; decode",
			[]string{"kie.TestEnvelopeWithoutDataIsNotFoundAndWithOddDataDecode", "app.TestWildAnswersBecomeTrueSeriesOrNone/data that is null, a list or a text"},
		},
		{
			"numbers as strings, 1e3, 15000.0, 9223372036854775808, negative, NaN", "read, or that field is absent; no negative or absurd sample",
			[]string{
				"kie.TestTimesAreReadOrAbsent", "kie.TestCreditsConsumedAreKnownOrUnknownButNeverGuessed", "kie.TestAbsurdCreditsAreUnknown",
				"app.TestWildAnswersBecomeTrueSeriesOrNone/numbers as strings, with exponents, out of range, negative or none",
			},
		},
		{
			"a key twice; `STATE` beside `state`", "the key spelt exactly counts; a finished task never changes again",
			[]string{
				"kie.TestExactKeyWinsOverItsLikes", "app.TestWildAnswersBecomeTrueSeriesOrNone/keys that come twice or in another case",
				"tracker.TestFinishedTaskIsNeverQueriedAgain",
			},
		},
		{
			"taskId of another task", "class mismatch; nothing is learned of either task",
			[]string{
				"kie.TestAnswerAboutAnotherTaskIsRefused", "app.TestWildAnswersBecomeTrueSeriesOrNone/taskId of another task",
				"tracker.TestAnAnswerAboutAnotherTaskTeachesNothing",
			},
		},
		{
			"a state in another spelling (canceled, IN_PROGRESS); one that is unknown or empty",
			"read; unknown, asked on, the word counted and no label, and the log names the first few that are words",
			[]string{
				"kie.TestAnUnknownStatesWordIsFitToBeLogged", "tracker.TestUnknownWordsForStatesAreCountedAndTheFirstFewLogged",
				"tracker.TestAnUnknownWordInAProbesAnswerIsCounted", "kie.TestStateWords", "app.TestWildAnswersBecomeTrueSeriesOrNone/a state that is unknown or empty", "tracker.TestATaskInAnUnknownStateIsAskedOn",
			},
		},
		{
			"10,000 distinct models, 10 KiB of random fail code", "a bounded number of series; the rest is `other`; memory flat",
			[]string{"tracker.TestTenThousandModelsAndFailCodesStayBounded", "tracker.TestLabelValuesFromOutsideAreBounded", "kie.TestFailCodeIsBoundedAndOnlyOfFailures"},
		},
		{
			"models, fail codes and label keys up to their limits, of tasks, groups or processes that are no more",
			"those make room for others; totals that were shown stay",
			[]string{
				"tracker.TestAModelThatNothingUsesMakesRoomForAnother", "tracker.TestGroupsThatGoTakeTheirModelsCodesAndLabelKeysAlong",
				"tracker.TestCodesAndLabelKeysInUseOutliveAReload", "tracker.TestModelsOfPastTasksLeaveRoomAfterARestart",
			},
		},
		{
			"a model with the byte 0xFF, a lone surrogate, newline, quote, backslash, NUL, ESC, or 1 MiB long",
			"cleaned, cut at the border of a character; Prometheus reads it back",
			[]string{
				"kie.TestLabelIsCleaned", "kie.TestModelIsFitToBeALabel", "app.TestWildAnswersBecomeTrueSeriesOrNone/a model that is no label",
				"collector.TestAnyStringsAreParsedBack",
			},
		},
		{
			"two models that are equal after cleaning", "one series, summed",
			[]string{"app.TestWildAnswersBecomeTrueSeriesOrNone/two models that are equal after cleaning"},
		},
		{
			"empty body, null, [], BOM, trailing garbage, truncated JSON, 20,000 nested arrays, HTML with 200",
			"class decode, back-off; the body is never logged",
			[]string{
				"kie.TestBodyThatIsNotJSONIsDecode/empty", "kie.TestBodyThatIsNotJSONIsDecode/null", "kie.TestBodyThatIsNotJSONIsDecode/array",
				"kie.TestBodyThatIsNotJSONIsDecode/byte order mark", "kie.TestBodyThatIsNotJSONIsDecode/trailing garbage",
				"kie.TestBodyThatIsNotJSONIsDecode/truncated", "kie.TestBodyThatIsNotJSONIsDecode/nested arrays", "kie.TestBodyThatIsNotJSONIsDecode/HTML",
				"tracker.TestAFaultBacksOffThatTaskAlone/decode", "app.TestATroubledAPIDoesNotTroubleTheScrape/HTML with 200",
			},
		},
		{
			"a body over the limit, a gzip bomb of 1 GiB, a gzip header on plain text, brotli",
			"class too_large or decode; closed, not drained; memory flat, and soon",
			[]string{
				"kie.TestBodyOverTheLimitIsTooLargeAndCutOff", "kie.TestGzipBombIsCutOffEarly", "kie.TestBodyThatIsNotJSONIsDecode/plain text said to be gzip",
				"kie.TestBodyThatIsNotJSONIsDecode/brotli", "kie.TestCorruptGzipIsDecode", "tracker.TestAFaultBacksOffThatTaskAlone/too_large",
			},
		},
		{
			"a byte now and then, headers of 1 MiB, wrong chunk sizes, a reset in the middle",
			"class timeout or transport; the query's place is free again",
			[]string{
				"kie.TestSlowAnswerIsTimeout/a byte now and then", "kie.TestBrokenExchangeIsTransport/headers of 1 MiB",
				"kie.TestBrokenExchangeIsTransport/chunk size not a number", "kie.TestBrokenExchangeIsTransport/chunk size too big",
				"kie.TestBrokenExchangeIsTransport/reset in the middle", "tracker.TestAQueryThatHangsFreesItsPlace",
			},
		},
		{
			"completeTime before createTime, 0, in the year 2286, in seconds", "no latency, or the true one; the task counts",
			[]string{
				"kie.TestNoLatencyFromTimesThatCannotBe", "kie.TestTimesBeyondADayAheadAreAbsent",
				"app.TestWildAnswersBecomeTrueSeriesOrNone/completed before created, at 0, in 2286, in seconds",
			},
		},
		{
			"success without a result: none, lists of empty texts, JSON in a text in a text of these, an envelope with an error; a result only under `response`",
			"counted as an empty result; a result",
			[]string{
				"kie.TestOnlyAnEmptyResultIsNone", "kie.TestAResultOfAnyDepthIsRead", "tracker.TestTotalsOfANewLabelSetShow0ForAMinuteThenCatchUp",
			},
		},
		{
			"a page of something in between (HTML, text, JSON without an integer code, empty) with status 400, 401, 403, 404, 409, 410, 421, 422, 429, 451 or " +
				"5xx, for 20 s",
			"class server, 429 rate_limited, 401 auth; the gate closes; no task, id or balance is judged by it, and all are known within a minute of its end; " +
				"logged once, without the page",
			[]string{
				"kie.TestStatusDecidesOnlyWithoutEnvelope", "kie.TestAnEnvelopeIsNeverForeign", "kie.TestAPageTooLongOrBrokenIsStillAPage",
				"kie.FuzzBalance", "budget.TestPagesOfSomethingElseCloseTheGate", "tracker.TestAPageOfSomethingInBetweenSaysNothingAboutATask",
				"tracker.TestEachOutageOfPagesIsLoggedOnce", "tracker.TestAPageForOneTaskAloneIsNoHotLoopAndNoBackOff",
			},
		},
		{
			"500 or 503 with Retry-After, from the API or from something before it", "neither the task, nor the balance, nor the closed account is asked before; 1 s to 5 min",
			[]string{
				"budget.TestRetryAfterOfAServerFaultIsHonouredInTheSameBounds", "budget.TestRetryAfterOfATrialIsHonouredWhateverClosedTheGate",
				"tracker.TestAServerThatSaysHowLongIsNotAskedAboutThatTaskBefore", "tracker.TestRetryAfterOfACreditCallIsHonoured",
			},
		},
		{
			"how a model fares: shares beyond 0 to 100 %, `null`, texts, times without a zone or yet to come, no points, 1,001 of them, another model's, an error",
			"no value, or the last one that can be; class decode, mismatch or that of the error; a value goes after three intervals or an hour; no gate closes and no task waits",
			[]string{
				"kie.TestHowAModelFaresIsTheLastTenMinutesThatTell", "kie.FuzzModelHealth", "tracker.TestHowAModelFaresGoesWhenItIsTooOld",
				"tracker.TestModelsAreAskedAboutWithWhatTasksLeave",
			},
		},
		{
			"a model's name with `..`, `?`, three parts, blanks, from an answer or a list", "it is not asked how it fares: the name would be part of a path",
			[]string{"kie.TestOnlyNamesOfACatalogueAreAskedAbout", "tracker.TestModelsThatAreTrackedAreAskedAboutOneASecond"},
		},
		{
			"a balance of -18.5, \"12\", 1e400, NaN", "shown as it is, and what was used below zero counts; 12; none",
			[]string{"kie.TestBalanceIsABareNumber", "kie.FuzzBalance", "tracker.TestABalanceBelowZeroIsShownAndUseAcrossZeroCounts"},
		},
		{
			"seventy texts and codes of moderation in every inflection, and a hundred that only sound like it (rate limit policy, minor version)",
			"reason content_policy; another one",
			[]string{
				"kie.TestModerationIsKnownInEveryInflection", "kie.TestWhatOnlySoundsLikeModerationIsNot", "kie.TestModerationIsKnownByTheCodeAndTheEnvelopeToo",
				"kie.TestBothSidesOfModerationHaveFortyTextsOrMore", "kie.TestAVeryLongFailureTextIsReadInNoTime",
			},
		},
	}
}

func connections() []row {
	return []row{
		{
			"a redirect to another host, port, sub-domain, to http or file:", "class redirect; not followed; that host sees nothing",
			[]string{
				"kie.TestRedirectsAreNeverFollowed/to another host", "kie.TestRedirectsAreNeverFollowed/to another port",
				"kie.TestRedirectsAreNeverFollowed/to a sub-domain", "kie.TestRedirectsAreNeverFollowed/from https to http",
				"kie.TestRedirectsAreNeverFollowed/to a file",
			},
		},
		{
			"a certificate that is expired, self-signed or of another name", "class transport, back-off",
			[]string{
				"kie.TestCertificateThatDoesNotHoldIsTransport/expired", "kie.TestCertificateThatDoesNotHoldIsTransport/self-signed",
				"kie.TestCertificateThatDoesNotHoldIsTransport/wrong name", "tracker.TestAFaultBacksOffThatTaskAlone/transport",
			},
		},
		{
			"name not resolved, connection refused, connection reset", "class transport, back-off; last states kept",
			[]string{
				"kie.TestUnreachableAPIIsTransport/name not resolved", "kie.TestUnreachableAPIIsTransport/connection refused",
				"app.TestATroubledAPIDoesNotTroubleTheScrape/connection reset", "budget.TestFiveFaultsInARowOnDifferentTasksCloseTheGate/transport",
			},
		},
		{
			"a proxy with credentials in its URL", "used; the credentials are shown nowhere",
			[]string{
				"kie.TestPlainHTTPGoesThroughTheProxyWithItsCredentials", "kie.TestTLSGoesThroughTheProxysTunnel",
				"app.TestNoSecretGetsOutOnAnyErrorPath/proxy refuses", "app.TestNoSecretGetsOutOnAnyErrorPath/proxy is away", "kie.TestNoErrorTellsASecret",
			},
		},
	}
}

func key() []row {
	return []row{
		{"a key file with newline, CRLF, BOM, spaces", "trimmed", []string{"apikey.TestKeyIsTrimmed"}},
		{
			"a key that is empty, has control characters or 1 MiB; no key file", "refused when loaded, with the file's name and not its content",
			[]string{
				"apikey.TestBadKeyIsRefusedWithoutShowingIt/empty", "apikey.TestBadKeyIsRefusedWithoutShowingIt/NUL",
				"apikey.TestBadKeyIsRefusedWithoutShowingIt/escape", "apikey.TestBadKeyIsRefusedWithoutShowingIt/1 MiB",
				"apikey.TestKeyIsReadFromRegularFilesOnly", "config.TestBadFileIsRefusedWithEveryProblem/keys",
			},
		},
		{
			"a key in quotes, behind `KIE_API_KEY=` or `Bearer`, in JSON or YAML; in a file or the environment",
			"refused when loaded, with what is around it and not the key",
			[]string{
				"apikey.TestBadKeyIsRefusedWithoutShowingIt/in quotes", "apikey.TestBadKeyIsRefusedWithoutShowingIt/NAME=",
				"apikey.TestBadKeyIsRefusedWithoutShowingIt/Bearer", "apikey.TestBadKeyIsRefusedWithoutShowingIt/JSON",
				"config.TestBadFileIsRefusedWithEveryProblem/keys with something around them",
				"config.TestKeyOfTheEnvironmentIsNeededAndChecked", "apikey.TestKeyWithOddCharactersIsAKey",
			},
		},
		{
			"a file of `tls_config` that is missing, or is none; a key written where its file is to be named", "refused, with line and field; what may be a key is not shown",
			[]string{"config.TestBadFileIsRefusedWithEveryProblem/missing files of TLS", "app.TestACheckPassesThoughAServerOfAListIsDownAndSaysSo"},
		},
		{
			"a key that the API refuses", "told at the start and once for each time, with the account and where the key comes from; the start goes on",
			[]string{
				"app.TestARefusedKeyIsToldAtTheStartWithWhereItComesFrom", "app.TestAKeyThatCannotBeTriedDoesNotStopTheStart",
				"tracker.TestTheKeyIsTriedOnceAtTheStartThoughNobodyScrapes/with the balance",
				"tracker.TestTheKeyIsTriedOnceAtTheStartThoughNobodyScrapes/with a task",
				"tracker.TestARefusedKeyIsToldOnceForEachTimeItIsRefused", "tracker.TestAGatewayThatServesTasksAloneIsToldOnce",
			},
		},
		{
			"the key file replaced while running", "the next query uses the new key; a bad one leaves the old one in force",
			[]string{"apikey.TestReplacedKeyFileIsUsed", "apikey.TestKeyOutlivesItsFile", "kie.TestNextRequestUsesTheNewKey", "budget.TestAChangedKeyOpensTheGate"},
		},
		{
			"a canary for a key, and every error path there is", "in no log, metric, page, shown configuration or error, in no encoding",
			[]string{
				"app.TestNoSecretGetsOutOnAnyErrorPath", "app.TestNoSecretGetsOutOfABadConfiguration", "app.TestNoSecretGetsOutOfABadKeyFile",
				"app.TestNoSecretGetsOutOfABadWebConfiguration", "main.TestTheProcessPrintsNoSecret", "kie.TestNoErrorTellsASecret",
				"config.TestNothingPrintsASecret", "config.TestTheConfigurationShownHoldsNoSecret",
			},
		},
	}
}

func configuration() []row {
	return []row{
		{
			"series.task_metrics with a name that there is not, a pattern that matches none, twice the same, none at all", "refused, with the line and all names",
			[]string{"config.TestBadFileIsRefusedWithEveryProblem/series that there are not", "config.TestBadFileIsRefusedWithEveryProblem/no series at all", "app.TestAReloadChoosesOtherSeriesOfTasks"},
		},
		{
			"replicas without a server, a server without a port, a password in an address, parts that can't be asked", "refused with the line; nothing shows the password",
			[]string{"config.TestWhatReplicasCantBe", "config.TestReplicasAreConfigured"},
		},
		{
			"more shards than an account may have requests at a time", "refused with the line",
			[]string{"app.TestShardsAreNoMoreThanAnAccountMaySendAtATime"},
		},
		{
			"an unknown key, a key twice, a tab as indentation, a second document, an alias bomb", "refused with the line",
			[]string{
				"config.TestBadFileIsRefusedWithEveryProblem/unknown keys", "config.TestBadFileIsRefusedWithEveryProblem/duplicate keys",
				"config.TestBadFileIsRefusedWithEveryProblem/a tab as indentation", "config.TestBadFileIsRefusedWithEveryProblem/a second document",
				"config.TestBadFileIsRefusedWithEveryProblem/an alias bomb",
			},
		},
		{
			"an `endpoint` that there is not, or that is no word", "refused with line, field and the names that there are",
			[]string{"config.TestBadFileIsRefusedWithEveryProblem/an endpoint that there is not"},
		},
		{
			"ids without quotes: 0123, 0x1F, 1e10, 1_000, no; null and ~", "the text as it is written; null is refused",
			[]string{"config.TestIDsAreTheTextAsWritten", "config.TestBadFileIsRefusedWithEveryProblem/null inside"},
		},
		{
			"a rate that is 0, negative or NaN; an interval without a unit; a longest one below the shortest",
			"refused with the field's path, all problems at once",
			[]string{
				"config.TestBadFileIsRefusedWithEveryProblem/impossible rates", "config.TestBadFileIsRefusedWithEveryProblem/wrong types",
				"config.TestBadFileIsRefusedWithEveryProblem/intervals the wrong way round", "app.TestEveryProblemOfAConfigurationIsReportedAtOnce",
			},
		},
		{
			"a reload with a bad file, then with a good one", "the old configuration stays, `kie_exporter_config_last_reload_successful` is 0, then 1",
			[]string{"app.TestAFailedReloadChangesNothing"},
		},
		{
			"an address that is taken; a socket of systemd for datagrams, or none", "one error line, with the flag to change",
			[]string{
				"app.TestAnAddressInUseNamesItsFlag/--web.listen-address", "app.TestAnAddressInUseNamesItsFlag/--web.probe-listen-address",
				"app.TestAnAddressInUseNamesItsFlag/--web.webhook-listen-address",
				"main.TestASocketOfSystemdThatIsNoneToListenOnEndsWithOneErrorLine/a datagram socket",
				"main.TestASocketOfSystemdThatIsNoneToListenOnEndsWithOneErrorLine/a local datagram socket",
				"main.TestASocketOfSystemdThatIsNoneToListenOnEndsWithOneErrorLine/no socket",
			},
		},
		{"1,000 reloads under load", "no leak; no task lost or asked twice", []string{"app.TestAThousandReloadsUnderLoadLeakAndLoseNothing"}},
		{
			"a base_url with userinfo, query, fragment, without a scheme, ending in /api/v1; with a slash at its end", "refused; fine",
			[]string{"config.TestBadFileIsRefusedWithEveryProblem/base URLs", "kie.TestRequestIsAsTheAPIWantsIt"},
		},
	}
}

func lists() []row {
	return []row{
		{
			"truncated to nothing, half-written, shrunk, written every second", "additions at once; removals only after 30 s of reads that lack them",
			[]string{
				"set.TestAListThatShrinksLosesWhatItLacksAfterThirtySeconds/truncated to nothing",
				"set.TestAListThatShrinksLosesWhatItLacksAfterThirtySeconds/half-written",
				"set.TestAListThatShrinksLosesWhatItLacksAfterThirtySeconds/shrunk",
				"set.TestAListWrittenEverySecondGrowsAndLosesNothing", "set.TestRemovalTakesThirtySecondsOfReadsThatLackTheID",
				"set.TestHalfWrittenLastLineWaitsForAnUnchangedRead",
			},
		},
		{
			"replaced by a rename, removed and created, written in place, saved by an editor, symbolic link and ConfigMap swapped", "seen within two polls",
			[]string{
				"set.TestEveryWayToReplaceAFileIsSeen/rename of l.txt", "set.TestEveryWayToReplaceAFileIsSeen/remove and create of l.txt",
				"set.TestEveryWayToReplaceAFileIsSeen/in place of l.txt", "set.TestEveryWayToReplaceAFileIsSeen/an editor that keeps a backup of l.txt",
				"set.TestEveryWayToReplaceAFileIsSeen/symbolic link of l.txt", "set.TestConfigMapSwapIsSeen",
			},
		},
		{
			"gone, unreadable, a folder, a FIFO, /dev/zero", "its ids are kept, or it is skipped with the reason; nothing waits for it",
			[]string{
				"set.TestSourceThatFailsOrVanishesKeepsItsIDs/gone as l.yml", "set.TestSourceThatFailsOrVanishesKeepsItsIDs/a folder as l.yml",
				"set.TestAListThatMayNotBeReadKeepsItsIDs", "set.TestWhatIsNoRegularFileIsRefusedWithoutWaiting",
				"files.TestOpeningNeverWaitsEvenIfTheFileBecameAPipe",
			},
		},
		{
			"a link to nothing, to itself, a FIFO, a socket, a folder in the place of a list, or a file whose ending is none of a list, matched by a pattern",
			"that entry fails, counted and logged, and keeps its ids; the lists beside it count as read",
			[]string{
				"set.TestAnEntryThatIsNoListFailsAloneAndTheSiblingsCountAsRead/a link to nothing",
				"set.TestAnEntryThatIsNoListFailsAloneAndTheSiblingsCountAsRead/a link to itself",
				"set.TestAnEntryThatIsNoListFailsAloneAndTheSiblingsCountAsRead/a FIFO",
				"set.TestAnEntryThatIsNoListFailsAloneAndTheSiblingsCountAsRead/a socket",
				"set.TestAnEntryThatIsNoListFailsAloneAndTheSiblingsCountAsRead/a folder",
				"set.TestAFileOfAnotherKindFailsAloneAndTheSiblingsCountAsRead",
				"set.TestListsAreKeptWhileNothingButWhatIsNoneMatches",
			},
		},
		{
			"a link out of the folder of a pattern: to a file, folder or device, by a chain, a folder in the middle or `/proc`, put there while it is opened; a hard link to a key",
			"that entry fails; nothing of what it leads to is read, shown or sent; links that stay below are followed",
			[]string{
				"set.TestNoLinkLeadsOutOfTheFolderOfThePattern", "set.TestAFolderInTheMiddleThatLeadsOutIsNotEntered",
				"files.TestALinkSwappedInBeforeAListIsOpenedIsNotFollowed", "set.TestLinksBelowTheFolderOfThePatternAreFollowed",
				"app.TestWhoWritesListsLearnsNoSecret", "config.TestEverySecretOfAConfigurationIsKnownAsOne",
			},
		},
		{
			"an id that is a key, password or token in force, now or later", "refused and counted as `secret`, in any list; not shown",
			[]string{"set.TestAnIDThatIsASecretIsRefusedAsThat", "set.TestAKeyThatChangesIsRefusedInListsThatDoNot", "app.TestWhoWritesListsLearnsNoSecret"},
		},
		{
			"1 GiB, a line of 10 MiB, 20 million lines, NUL bytes, UTF-16", "refused or skipped, with the reason; the other sources live",
			[]string{
				"set.TestLargeListsAreRefusedOrSkipped/1 GiB", "set.TestLargeListsAreRefusedOrSkipped/line of 10 MiB",
				"set.TestLargeListsAreRefusedOrSkipped/20 million lines", "format.TestListFormats/x.txt bad ids", "format.TestListFormats/x.txt UTF-16 with mark",
				"set.TestSourceThatFailsOrVanishesKeepsItsIDs/UTF-16 as l.yml",
			},
		},
		{"CRLF, BOM, blanks, comments, tabs", "fine", []string{"format.TestListFormats/x.txt comments and blanks"}},
		{
			"answers of createTask appended without newlines, over several lines, with records between them; one broken or cut off in the middle",
			"all are read, but for the broken one, which is counted; a half-written last one waits; nothing in a broken one is taken for an id",
			[]string{
				"set.TestJSONLinesAreAStreamOfValues/nothing between answers", "set.TestJSONLinesAreAStreamOfValues/answers over several lines",
				"set.TestJSONLinesAreAStreamOfValues/records", "set.TestJSONLinesAreAStreamOfValues/cut off and gone on",
				"set.TestJSONLinesAreAStreamOfValues/cut off over several lines",
				"set.TestJSONLinesAreAStreamOfValues/strings of a broken object are no ids",
				"set.TestAnswersAppendedWithoutNewlinesAreReadAsTheyCome", "set.TestAHalfWrittenAnswerOverSeveralLinesWaits",
			},
		},
		{
			"a file of lines truncated and refilled to the same length or with more, or an inode used again, also where the end is the same",
			"told from one that grew: it is read as another one, and what it lacks goes after its grace",
			[]string{
				"set.TestWhatBecomesOfAFileOfLines/truncated and refilled to the same length", "set.TestWhatBecomesOfAFileOfLines/truncated and refilled to the same length and end",
				"set.TestWhatBecomesOfAFileOfLines/truncated and refilled with more", "set.TestWhatBecomesOfAFileOfLines/an inode used again, the same length",
				"set.TestWhatBecomesOfAFileOfLines/replaced by one of which the end alone is the same",
				"set.TestWhateverBecomesOfAFileItListsWhatIsInItInTheEnd",
			},
		},
		{
			"a line of such a file changed where it stands while others are appended", "seen within ten minutes",
			[]string{"set.TestALineChangedInPlaceWhileTheFileGrowsIsSeenWithinTenMinutes"},
		},
		{
			"a line written in three pieces, at once or slowly; CRLF, or a line end that comes with the next line",
			"the line as it is in the end, once it is whole or two looks found the same; what was taken of a piece goes after its grace",
			[]string{
				"set.TestWhatBecomesOfAFileOfLines/a line in three pieces", "set.TestWhatBecomesOfAFileOfLines/a line in three pieces, slowly",
				"set.TestWhatBecomesOfAFileOfLines/lines that end when the next one begins", "set.TestWhatBecomesOfAFileOfLines/appended with CRLF", "format.FuzzParts",
			},
		},
		{
			"rotation (rename and create, copy and truncate, packed), also while the file is read",
			"nothing is lost that is in a file of the pattern, and nothing of one is read as part of another",
			[]string{
				"set.TestWhatBecomesOfAFileOfLines/rename and create", "set.TestWhatBecomesOfAFileOfLines/copy and truncate",
				"set.TestWhatBecomesOfAFileOfLines/packed after rotation", "set.TestLargeFileThatIsRotatedWhileItIsReadLosesNothing/rename and create at 7",
				"set.TestLargeFileThatIsRotatedWhileItIsReadLosesNothing/copy and truncate at 7", "set.TestLargeFileThatIsRotatedWhileItIsReadLosesNothing/refilled at 7",
			},
		},
		{
			"a list that was fine and to which something broken is added, in any format", "no id that was read is dropped",
			[]string{"set.TestAnIDReadOnceIsNotDroppedBecauseALaterPartIsBroken", "format.FuzzParseJSONLines"},
		},
		{
			"answers of createTask that created no task: 402, 429", "skipped and counted as `no_task`, without a warning",
			[]string{"set.TestAnswersThatCreatedNoTaskAreNoErrorsOfTheList", "app.TestAnswersThatCreatedNoTaskAreNothingThatACheckWarnsOf"},
		},
		{
			".ndjson, x.jsonl.1, x.txt-20261128, x.jsonl.1.gz; two packed files put together; one that is cut off, or 256 MiB unpacked",
			"read like what they were before rotation; refused",
			[]string{
				"set.TestFilesAreReadByTheEndingThatTheyHadBeforeRotation", "set.TestWhatIsNoPlainListIsRefusedAsAWholeWithTheLine/cut off",
				"set.TestLargeListThatIsPackedIsRefused",
			},
		},
		{
			"JSON, CSV or HTML in a plain list; an ending that nobody knows", "refused as a whole, with the line; the check refuses such a name",
			[]string{
				"set.TestWhatIsNoPlainListIsRefusedAsAWholeWithTheLine/JSON", "set.TestWhatIsNoPlainListIsRefusedAsAWholeWithTheLine/JSON strings",
				"set.TestWhatIsNoPlainListIsRefusedAsAWholeWithTheLine/CSV",
				"set.TestWhatIsNoPlainListIsRefusedAsAWholeWithTheLine/HTML", "set.TestEndingsThatNobodyKnowsAreRefused",
			},
		},
		{
			"YAML with directives, anchors, aliases or tags; nested, cut off or long lists that are made to be slow; a key of 32 MiB",
			"refused, or skipped, within 10 s and outside the lock; three times the text in memory at most; 64 bytes of it in the log",
			[]string{
				"format.TestListFormats/x.yml directive", "format.TestListFormats/x.yml alias bomb", "format.TestListFormats/x.yml tag",
				"format.TestNoListTakesLongToReadOrFillsTheLog/directives.yml", "format.TestNoListTakesLongToReadOrFillsTheLog/nested.jsonl",
				"format.TestNoListTakesLongToReadOrFillsTheLog/key.json", "set.TestAListIsReadAndParsedOutsideTheLock",
				"format.TestParsingEndsWithItsContextAndAfterTenSeconds", "files.TestAReadTakesThreeTimesItsTextInMemoryAtMost",
			},
		},
		{
			"a list of more than `limits.list_bytes`, unpacked, or a line of that in a file of lines; of more than `limits.list_ids` ids, unless it is a file of lines",
			"refused as a whole, with an error that names the setting, and the last one is kept; those beyond are refused, counted as `list_ids`, and told once",
			[]string{
				"set.TestAListOverTheBytesIsRefusedAsAWholeAndTheLastOneIsKept/l.txt.gz", "set.TestAListOverTheBytesIsRefusedAsAWholeAndTheLastOneIsKept/l.jsonl",
				"set.TestIdsBeyondThoseOfAListAreRefusedAndThoseBeforeAreTaken/l.txt.gz", "set.TestNoIDOfAFileOfLinesIsRefusedForTheirNumber",
				"set.TestIdsBeyondThoseOfAListAreRefusedAndThoseBeforeAreTaken/l.json", "set.TestAListByHTTPHasTheSameLimits",
				"set.TestInlineIdsHaveTheLimitOfAList", "app.TestACheckWarnsOfIdsBeyondThoseOfAList", "config.TestSizesMayHaveUnits",
			},
		},
		{
			"U+200B, U+2060 or a BOM around an id; inside one", "stripped; that line is refused",
			[]string{"set.TestInvisibleCharactersAroundAnIDAreStrippedAndInsideRefused"},
		},
		{
			"an id with a space, quote, slash, `..`, `?`, `%00`, newline, emoji, or of 10 KiB",
			"escaped in the URL, or refused for that line; never another request than the one meant",
			[]string{"app.TestOddIDsAreAskedAsWritten", "kie.TestRequestIsAsTheAPIWantsIt", "format.TestListFormats/x.txt odd ids", "format.TestListFormats/x.txt bad ids"},
		},
		{
			"100 ids on which the API fails, beside tasks of the same account that it knows", "asked less and less; the gate stays open, and the others are asked all the same",
			[]string{"tracker.TestIDsOnWhichTheAPIFailsKeepNoGateClosedForOthers", "budget.TestTasksNeverAnsweredAboutCloseAnAccountOnlyIfNoneIs"},
		},
		{
			"an `endpoint` that there is not: in a line of `.jsonl`, of one task in a list by HTTP, of an entry of a list",
			"that line, or task, is counted as invalid; a list with such an entry is refused, and its tasks are kept; logged with line and the names that there are; asked nowhere",
			[]string{
				"app.TestAnEndpointThatThereIsNotIsRefusedInLists", "format.TestAListSaysWhereItsTasksAreAskedAbout/lines with names of none",
				"format.TestAListSaysWhereItsTasksAreAskedAbout/an entry with a name of none", "format.TestAListSaysWhereItsTasksAreAskedAbout/an entry in YAML with a name of none",
				"format.TestAListSaysWhereItsTasksAreAskedAbout/a task in YAML with a name of none", "format.TestAListSaysWhereItsTasksAreAskedAbout/an endpoint amid an entry",
			},
		},
		{
			"one id under two endpoints: in one group, in two groups of an account", "one task, asked about where the first says; the others are counted as duplicates",
			[]string{"app.TestAnIDUnderTwoEndpointsIsAskedAboutAtOne"},
		},
		{
			"a task asked about at an endpoint that is not its own", "as one that there is not: pending, then class not_found; page and log name the endpoint; asked again once the right one is named",
			[]string{
				"tracker.TestTheLogSaysAtWhichEndpointATaskIsUnknown", "web.TestThePageOfATaskSaysWhyItNeedsALookAndHowToBeRidOfIt",
				"tracker.TestAnotherEndpointOfAGroupHasItsUnknownTasksAskedAgain", "tracker.TestATaskIsAskedAboutWhereItsListSays",
			},
		},
		{
			"the same id in three files and inline", "one task; the duplicates are counted",
			[]string{"set.TestIDBelongsToTheFirstThatListsIt"},
		},
		{
			"the same id in the lists of two accounts; a list of one account with ids of another; a group that comes to another account",
			"a task for each account, asked with that account's key alone, with a record, a probe and callbacks of its own; a group takes its tasks along",
			[]string{
				"set.TestWhatOneAccountListsTakesNothingFromAnother", "set.TestAGroupGoesToAnotherAccountWithItsIDs",
				"set.TestGroupsKeepWhatIsTheirsWhateverIsReloaded", "tracker.TestAnIDInTheListsOfTwoAccountsIsTwoTasks",
				"tracker.TestATaskThatOneAccountDoesNotKnowIsAskedAtOnceByAnother", "store.TestAnIDHasARecordInEachAccount",
				"app.TestAnIDInTwoAccountsIsAskedWithEachKeyAndEachIsKnownAfterARestart", "app.TestAGroupThatComesToAnotherAccountIsAskedWithItsKey",
				"app.TestAProbeAndACallbackFindTheTaskOfTheirAccount", "web.TestTwoAccountsTasksOfOneIDAreTwoInTheListWhereverAPageEnds",
			},
		},
		{
			"a list with thirty ids more than `max_tasks` of its group; ids that an earlier group lets go",
			"those beyond are refused, counted as `max_tasks`, shown by `kie_exporter_source_refused_tasks` and alerted; other groups lose no room",
			[]string{
				"set.TestFillersOfOneGroupLeaveRoomForOthers", "set.TestIDsThatAnEarlierGroupHasTakeNoRoomOfAGroup",
				"set.TestAnEarlierGroupWithoutRoomLeavesAnIDToALaterOne", "app.TestThirtyFillersOfOneGroupLeaveRoomForOthers",
				"config.TestBadFileIsRefusedWithEveryProblem/max_tasks",
			},
		},
		{
			"a list that is appended to for a year; more ids than `limits.tasks` or `max_tasks`, finished ones among them, now or at a start",
			"those that finished longest ago leave memory and are neither asked nor counted again; where all are unfinished, new ids have the place of those that wait longest for a first answer, and those that stand last in a list come first; all others are refused and counted",
			[]string{
				"tracker.TestLargeListOfAYearRefusesNothingAndAsksNothingTwice", "tracker.TestTheLongestFinishedTaskLeavesMemoryForANewOne/disk",
				"tracker.TestTheLongestFinishedTaskLeavesMemoryForANewOne/memory", "tracker.TestIdsAreRefusedOnlyWhenAllTasksAreUnfinished",
				"tracker.TestAGroupFullOfUnfinishedTasksKeepsNoOtherFromMakingRoom", "app.TestAPushHasRoomOnceTasksThatHaveFinishedAreOnDisk",
				"tracker.TestAfterARestartTheUnfinishedAndTheLatestFinishedAreTracked", "tracker.TestAFullGroupForgetsItsOwnFinishedTasks",
				"tracker.TestALowerLimitHasFinishedTasksLeaveMemoryAtOnce", "tracker.TestATaskThatWasGivenUpLeavesMemoryToo",
				"tracker.TestAFirstStartTakesTheLastIDsOfAList/a line each", "tracker.TestAFirstStartTakesTheLastIDsOfAList/by day",
				"tracker.TestANewIDHasThePlaceOfTheOneThatWaitsForLongest/lines0", "tracker.TestANewIDHasThePlaceOfTheOneThatWaitsForLongest/rotated0",
				"tracker.TestWhatWasRefusedComesBackWithTheLatestFirst/l.txt", "app.TestAPushHasThePlaceOfAListedTaskAndNoneOfAPushedOne",
			},
		},
		{
			"ids of tasks that have left memory in another list, twice, after a restart; more of them than are remembered, with and without storage",
			"known from a hash or from disk, and not asked; records of what may be listed stay; without storage nothing more leaves, and ids are refused",
			[]string{
				"tracker.TestATaskThatLeftMemoryIsKnownWhereverItIsListedAgain", "tracker.TestWithStorageAnyNumberOfTasksIsKnownAgain",
				"tracker.TestWithoutStorageNoTaskLeavesMemoryThatWouldBeAskedAgain", "tracker.TestATaskStaysInMemoryUntilItIsOnDisk",
				"past.TestWhatIsListedNoLongerMakesRoomFirst", "past.TestWhereSomeAreForgottenNobodyKnowsOfAny",
			},
		},
		{
			"lists that are missing, empty, down, with bad lines or ids of others, before a start",
			"`--config.check` says for each what it has, and what was skipped and where, and warns; `--config.check-strict` fails",
			[]string{
				"app.TestACheckSaysForEverySourceWhatItHasAndWhatWasSkipped", "app.TestAStrictCheckFailsAfterAnyWarning",
				"set.TestAReportTellsWhereTheFirstOfEachReasonIs", "set.TestTheFirstReadWaitsTenSecondsForAllServersAtOnce",
			},
		},
		{
			"lists that can't be read at the start", "not ready until each was read once or has failed for a minute; ready from then on",
			[]string{
				"app.TestNotReadyBeforeAListByHTTPWasReallyRead", "app.TestReadyWhenEverySourceWasRead",
				"set.TestASourceIsSettledWhenItWasReadOrHasFailedForAMinute",
			},
		},
		{
			"a bad pattern; one that matches nothing", "refused; warned about, and watched",
			[]string{
				"set.TestEveryPatternThatCanNotBeOneIsRefused", "config.TestBadFileIsRefusedWithEveryProblem/patterns",
				"set.TestAdditionsTakeEffectAtTheNextPollAndAreNews",
			},
		},
		{
			"a list by HTTP that answers 500, HTML, 1 GiB, redirects, slowly", "the last list is kept; capped; reported once",
			[]string{
				"set.TestWhateverGoesWrongWithAListByHTTPTheLastListIsKeptAndItIsReportedOnce/500",
				"set.TestWhateverGoesWrongWithAListByHTTPTheLastListIsKeptAndItIsReportedOnce/HTML",
				"set.TestWhateverGoesWrongWithAListByHTTPTheLastListIsKeptAndItIsReportedOnce/a redirect",
				"set.TestWhateverGoesWrongWithAListByHTTPTheLastListIsKeptAndItIsReportedOnce/a byte a second",
				"set.TestLargeListByHTTPIsRefusedWithoutTakingItsRoom", "app.TestAServerOfAListThatNeverAnswersHoldsUpNoScrapeNoReloadAndNoEnd",
			},
		},
	}
}

func pushes() []row {
	const (
		wrong = "app.TestAPushThatIsWrongSaysWhatAndWhereAndNothingOfItCounts"
		open  = "app.TestOnlyTheTokenOfAGroupOpensItsPushes"
		forms = "app.TestAPushIsTakenInEveryFormInWhichItMayCome"
	)
	return []row{
		{
			"no token, a wrong one, that of another group, the API key", "401; it opens nothing else, and no password is asked for besides",
			[]string{
				open + "/no token", open + "/a wrong token", open + "/the token of another group", open + "/the API key",
				"app.TestAPasswordIsNotAskedForBesidesATokenAndATokenOpensNothingElse",
			},
		},
		{
			"an id that belongs to another shard, pushed, forgotten, called back or probed", "421 with the shard that it belongs to; what is this shard's counts",
			[]string{
				"push.TestWhatIsAnotherShardsIsRejectedAndTheRestCounts", "webhook.TestACallbackAboutATaskOfAnotherShardIsSentThere",
				"main.TestShardsDivideTheTasksAndTheBudget",
			},
		},
		{
			"pushes with a wrong token, by the thousand", "one line in the log when they begin and none until ten minutes without any have passed; all are counted",
			[]string{open, "push.TestWrongTokensAreOneLineInTheLogUntilTenQuietMinutesHavePassed"},
		},
		{
			"an unknown group, or one that takes no pushes; a path or a method that there is not",
			"404; 404, 405 with Allow, in JSON like every error of the API",
			[]string{
				open + "/a group that does not exist", open + "/a group that takes no pushes", "app.TestAPathOrMethodThatThereIsNotIsAnErrorAsDescribed",
				"app.TestWhatTheAPIAnswersIsDescribedAndWhatIsDescribedIsAnswered", "web.TestEveryErrorOfTheAPIIsJSONWhoeverAnswersIt",
			},
		},
		{"another type or charset, another encoding", "415 with those that are read; nothing of it counts", []string{wrong + "/no type", wrong + "/what curl sends", wrong + "/another charset", wrong}},
		{
			"truncated JSON or gzip, a broken line, nested arrays, one format sent as another", "400 with what and where; nothing of it counts",
			[]string{
				wrong + "/truncated JSON", wrong + "/truncated gzip", wrong + "/a broken line", wrong + "/20,000 nested arrays", wrong + "/CSV as text",
				"push.FuzzBody",
			},
		},
		{
			"17 MiB, a bomb, a value without end, the same id a million times, labels by the thousand", "413 with what; nothing of it counts, and it is not kept in memory",
			[]string{
				wrong + "/17 MiB", wrong + "/17 MiB of spaces", wrong + "/a bomb", wrong + "/a value of 1 MiB", wrong + "/a million times the same id",
				wrong + "/labels by the thousand",
			},
		},
		{
			"what is no id, a secret, an answer of createTask that created no task, labels that are none", "200; that value is rejected by its index, and counted",
			[]string{forms + "/what is no id", forms + "/a secret", forms + "/an answer that created no task", wrong},
		},
		{
			"a key that is misspelt, such as `lables`; a thousand of them", "200; `ignored` in the answer counts it; a hundred are named",
			[]string{forms + "/a key that is misspelt", "push.TestWhatAnObjectSaysThatNobodyReadsIsCountedByKey", "push.TestNoMoreThanAHundredIgnoredKeysAreNamed"},
		},
		{
			"the same ids again, a million times in pushes that are small enough", "200; they are known, and one task each",
			[]string{forms + "/a repeat", "app.TestTheSameIDAMillionTimesIsOneTask"},
		},
		{
			"an `endpoint` that there is not, a number as one; an empty one, null", "200; that value is rejected by its index, with the names that there are; as if there were none",
			[]string{"app.TestPushedTasksAreAskedAboutWhereThePushSays"},
		},
		{
			"more ids than there is room for", "429; those that fit are accepted and safe", []string{"app.TestPushesBeyondTheLimitAreAnsweredWith429AndTheOthersCount"},
		},
		{
			"70 bodies that do not come", "64 are waited for, others told to come again; after 2 s one goes for whoever wants its place",
			[]string{"app.TestSlowPushesLendTheirPlacesToOthers", "push.TestTheBodyThatHasBeenComingForLongestGoesForWhoeverWantsItsPlace"},
		},
		{
			"10,000 connections that push a byte a second", "those beyond --web.max-connections are closed; others push and scrape beside the rest, in flat memory",
			[]string{"main.TestTenThousandConnectionsThatSendAByteASecondKeepNoPushOut"},
		},
		{
			"a full disk, or a storage that is gone, between the write and the answer", "503 with Retry-After; nothing of it counts, and nothing that was acknowledged is lost",
			[]string{
				"app.TestAFullDiskIsAnsweredWith503AndNothingThatWasAcknowledgedIsLost", "store.TestAFullDiskTakesNoPushAndLosesNone",
				"app.TestWhatTheStorageDoesNotTakeIsAnsweredWith503AndNothingOfItCounts", "store.TestAStorageWithoutAFileTakesNoPush",
				"set.TestAPushThatIsNotSavedDoesNotCountAndMayComeAgain", "set.TestAStorageWithAnotherFileGetsEverythingAgain",
			},
		},
		{
			"kill -9 at any time, at each write and each wait for the disk, between two batches, before the answer", "no acknowledged id is lost, and each is there once; a batch is there or it is not; no task is counted twice; what was forgotten stays so", []string{
				"main.TestNoAcknowledgedPushIsLostByAKill", "main.TestAPushIsWholeWhereverItIsKilled", "set.TestWhatWasSavedIsThereAgainInAnotherProcess",
				"set.TestAllWhoWaitAreSavedAtOnceAndWhatAddsIsNotMixedWithWhatRemoves",
			},
		},
		{
			"a pushed id changed on disk, or with an endpoint that this version has not; one of before there were endpoints",
			"that one is not believed, and counted; asked about where its group says",
			[]string{"store.TestAPushedIDThatWasChangedOnDiskIsNotBelieved", "store.TestAPushedIDIsReadAsItWasWritten"},
		},
		{
			"a callback before its id is pushed or listed, and very many", "10,000 are remembered for 10 minutes, and heeded then",
			[]string{
				"app.TestACallbackThatComesBeforeItsTaskIsPushedIsHeededThen", "unlisted.TestACallbackThatComesEarlyIsRememberedForTenMinutes",
				"unlisted.TestNoMoreThanTenThousandEarlyCallbacksAreRemembered",
			},
		},
	}
}

func requests() []row {
	return []row{
		{
			"400 idle connections to the main port, or to that of callbacks, of a process that may have 300 files open",
			"whoever has most connections loses some; scrapes are answered",
			[]string{
				"main.TestIdleConnectionsKeepNoScrapeOut/main", "main.TestIdleConnectionsKeepNoScrapeOut/of callbacks", "connections.TestWhoHasMostMakesRoom",
			},
		},
		{
			"100 callbacks whose bodies do not come, with a right or a wrong signature", "cut off after 2 s; all others are received",
			[]string{"webhook.TestSlowSendersKeepNoCallbackOut"},
		},
		{
			"500 half-open connections; a scraper reading a byte a second", "freed by time-outs; scrapes go on",
			[]string{
				"app.TestIdleClientsAreHungUpOnAndScrapesGoOn/500 half-open connections",
				"app.TestIdleClientsAreHungUpOnAndScrapesGoOn/500 connections that send nothing", "app.TestAScraperReadingAByteASecondIsCutOff",
			},
		},
		{
			"a scraper that reads slowly, and says how long it waits", "it has that long to read, 15 s at least",
			[]string{"app.TestAScraperMayReadAsLongAsItWouldWait"},
		},
		{
			"a scraper that goes away in the middle of an answer, or resets its stream", "one debug line; no error is logged or counted",
			[]string{
				"exposition.TestAScraperThatGoesAwayIsOneDebugLineAndNoError", "exposition.TestAStreamThatIsResetIsOneDebugLineAndNoError",
				"exposition.TestFaultsAreCountedAsPromhttpCountsThem",
			},
		},
		{
			"Accept-Encoding: gzip;q=0; with *;q=0 besides, or identity;q=0", "not compressed; 406, and nothing is logged",
			[]string{"exposition.TestIdentityIsAcceptableUnlessItIsRefused", "exposition.FuzzAnswersAreNegotiatedAsPromhttpDoes"},
		},
		{
			"a stream of a million tasks; its client reads nothing, or goes; a third stream; a disk that fails meanwhile",
			"little memory, no lock is held; it ends; 503 with Retry-After; 503, or the answer is cut off",
			[]string{
				"web.TestLargeStreamTakesLittleMemory", "web.TestAStreamEndsWhenItsClientGoesAndHoldsNobodyUp",
				"web.TestMoreStreamsThanThereMayBeAreRefused", "web.TestAStreamThatLacksTasksIsNotWhole",
			},
		},
		{
			"a cursor that is none, a format that is none; ids and models that begin like formulas", "400; an apostrophe before them in CSV",
			[]string{"web.TestAStreamHasWhatMatchesAndNoPages", "web.TestNoCellIsAFormula"},
		},
		{
			"60 scrapes that wait; 60 readers of a byte a second", "they keep nobody out: whoever comes is answered",
			[]string{
				"app.TestScrapesThatWaitTakeNoPlaceFromOthers", "app.TestSlowReadersTakeNoPlaceFromOthers",
				"app.TestWhoReadsSteadilyKeepsItsPlaceForAsLongAsIsUsual",
			},
		},
		{
			"a stranger who reads /config or /probe?debug=true", "no address of a proxy, no value of a header, no path of a list's URL",
			[]string{"config.TestTheListsShownHoldNoSecret", "config.TestTheConfigurationShownHoldsNoSecret", "app.TestADebuggedProbeNamesNoAddress"},
		},
		{
			"a page of another site that sends a browser to /config, /probe, /-/reload or profiles, by any method, where the browser tells that", "403; nothing is asked",
			[]string{"app.TestAPageOfAnotherSiteIsRefused"},
		},
		{
			"a browser that comes by a name which somebody else pointed here; a scraper or curl that does", "403, which names --web.allowed-hosts; answered",
			[]string{"app.TestABrowserMayUseKnownNamesAlone", "app.TestScrapersAndCurlMayUseAnyName", "app.TestNoPageMayBeFramedOrTakenForSomethingElse"},
		},
		{
			"ids with `/`, `..`, `%`, quotes or markup, or of a task that is not tracked, in the path of a task's page",
			"the page of that task, and nothing else; what a path can't hold has no link; 404 in plain text",
			[]string{"web.TestEveryIDHasAPageOrNoLink", "app.TestATaskIsFoundByAnyIDThatIsEscaped", "web.TestATaskThatIsNotTrackedHasNoPage", "web.TestEveryOutsideStringIsEscaped"},
		},
		{
			"more queries about more tasks than anybody looks at", "the first and last ones of those asked last are kept, in 16 MiB at the most",
			[]string{"querylog.TestOfManyQueriesTheFirstAndTheLastAreKept", "querylog.TestTheTasksAskedLastAreKeptAndTheMemoryIsBounded"},
		},
		{"a request that makes a handler panic", "one error in the log, counted; the connection is closed", []string{"app.TestAPanicIsOneErrorAndCounted"}},
		{
			"1,000 parallel scrapes", "answered, or 503 if there is no place; no query more; memory flat",
			[]string{"app.TestAThousandParallelScrapesCostOneQuery", "app.TestScrapesThatWaitTakeNoPlaceFromOthers", "tracker.TestAnyNumberOfScrapersCostsNoMoreQueriesThanOne"},
		},
		{
			"a parser that takes nothing but strict OpenMetrics", "reads every answer: no family comes twice",
			[]string{"app.TestAStrictParserReadsEveryAnswer", "collector.TestAStrictParserReadsEveryMetric"},
		},
		{
			"a timeout header that is malformed, zero, NaN, negative or huge", "as if absent",
			[]string{
				"app.TestScrapeTimeoutHeader/10s", "app.TestScrapeTimeoutHeader/0", "app.TestScrapeTimeoutHeader/NaN", "app.TestScrapeTimeoutHeader/-1",
				"app.TestScrapeTimeoutHeader/1e300", "app.FuzzScrapeTimeoutHeader",
			},
		},
		{
			"/probe with a path, a URL, a secret of the configuration, no id, an unknown account", "400; nothing is asked",
			[]string{
				"app.TestABadProbeIsRefusedWithoutARequest/a path", "app.TestABadProbeIsRefusedWithoutARequest/a URL",
				"app.TestABadProbeIsRefusedWithoutARequest/a secret", "app.TestABadProbeIsRefusedWithoutARequest/no id", "app.TestABadProbeIsRefusedWithoutARequest/an unknown account",
			},
		},
		{
			"/probe with an `endpoint` that there is not, an empty one, two", "400 with the names that there are; nothing is asked",
			[]string{
				"app.TestABadProbeIsRefusedWithoutARequest/an odd endpoint", "app.TestABadProbeIsRefusedWithoutARequest/an empty endpoint",
				"app.TestABadProbeIsRefusedWithoutARequest/two endpoints",
			},
		},
		{
			"a flood of /probe", "the budget holds; tracked tasks are asked all the same; no series is left behind",
			[]string{
				"app.TestAFloodOfProbesKeepsToTheBudget", "tracker.TestProbesKeepToTheBudgetAndTheirDeadline",
				"tracker.TestProbesGetAQuarterOfTheBudgetWhileTasksAreDue", "tracker.TestProbesOfUnlistedTasksDoNotCloseTheGate",
				"tracker.TestAProbeOfAnUnlistedTaskKeepsNoGateClosed",
				"budget.TestAnyNumberOfWaitersGetsNoMoreThanTheRate",
			},
		},
		{
			"/probe of a task that is being asked, was dropped while it is asked, or is listed while it is probed", "one query, for whose answer all wait",
			[]string{"tracker.TestATaskIsNeverAskedTwiceAtATime", "tracker.TestAProbeTellsTheAnswerAboutATaskThatWasDroppedMeanwhile"},
		},
		{
			"a callback with no, a wrong, a short, a non-base64 signature; a stale or a future timestamp; a replay; a forged body under a valid " +
				"signature; two different ids; an unknown id; 10,000 a second",
			"401; 401; no effect; a query at most, never a state; 400; 202; bounded",
			[]string{
				"webhook.TestWebhook/no signature", "webhook.TestWebhook/wrong signature", "webhook.TestWebhook/short signature",
				"webhook.TestWebhook/non-base64 signature", "webhook.TestWebhook/stale timestamp", "webhook.TestWebhook/future timestamp",
				"webhook.TestWebhook/two different ids", "webhook.TestWebhook/unknown id", "webhook.TestAFloodIsBounded",
				"tracker.TestACallbackIsNoMoreThanAHint", "app.TestACallbackHasItsTaskAskedAndTellsNothingItself", "webhook.FuzzWebhook",
			},
		},
		{
			"a callback to /webhook/{account}/, with a slash at the end; with two", "like without; 404",
			[]string{
				"app.TestACallbackWithASlashAtTheEndOfItsPathIsReceived", "app.TestCallbacksAreReceivedAloneAndNowhereElse",
			},
		},
		{
			"GET /-/reload; POST without --web.enable-lifecycle; POST from another site", "405; 403; 403",
			[]string{"app.TestWhoMayReload/GET []", "app.TestWhoMayReload/POST []", "app.TestWhoMayReload/POST from a page of another site [--web.enable-lifecycle]"},
		},
		{
			"//metrics, /metrics/.., TRACE", "404; 404; 405",
			[]string{
				"app.TestWhatIsNotServedIsRefused/GET //metrics", "app.TestWhatIsNotServedIsRefused/GET /metrics/..", "app.TestWhatIsNotServedIsRefused/TRACE /metrics",
			},
		},
	}
}

func storage() []row {
	return []row{
		{
			"a Redis server that is away, paused, full, read only, restarted or emptied, under replicas that share work over it",
			"no share has two holders; records wait or are written again, and none is counted twice; all goes on when it is back; who reads records to take a share over waits",
			[]string{
				"shared.TestATakeoverWaitsForRedis",
				"cluster.TestFaultsOfRedis", "cluster.TestRedisAwayEndsRightsInTime", "shared.TestRedisAwayHasRecordsWait",
				"shared.TestWhatRedisLostIsWrittenAgain", "redis.TestWhatIsWrongWithAServerIsTold",
			},
		},
		{
			"keys in Redis that are garbage, of another type or of a later version",
			"left alone, and what they hold is not believed; a lease that can't be read is a stranger's",
			[]string{
				"shared.TestWhatIsNotOursIsLeftAlone", "shared.TestAnotherDictionaryIsNoticed", "cluster.TestEntriesThatCantBeReadAreAStrangers",
				"shared.TestAServerThatIsAwayOrGarbageTakesNoPush", "mailbox.TestBadMessagesAndFullBoxes",
			},
		},
		{
			"a push, a callback or a probe that comes to a replica that does not hold the task",
			"the one that does acts: ids are in Redis before they are acknowledged, hints wait for a minute, the answer to a probe comes from the holder; while Redis is away 503, " +
				"or a probe without success that says so",
			[]string{
				"app.TestPushesReachTheHolderFromAnyReplica", "app.TestACallbackReachesTheHolderFromAnyReplica", "app.TestAnyReplicaAnswersProbes",
				"mailbox.TestABoxIsHandedOnWithTheShare",
			},
		},
		{
			"a page asked of a replica that does not hold its tasks, while a holder is silent or gone, a share moves, or Redis does not answer",
			"after 2 s at the most all that is known is shown, each task once, and the rest is named, with its holder and why; a secret that somebody looks for goes to nobody",
			[]string{
				"web.TestAnyReplicaShowsWhatOneProcessShows", "web.TestSharesOfWhichNothingIsKnownAreNamed", "web.TestAnyReplicaTellsOfATask",
				"web.TestRequestsThatWaitForReplicasAreBounded", "app.TestAnyReplicaAnswersProbes",
			},
		},
		{
			"an answer of another replica that is garbage, too long, about other tasks than was asked, or with numbers that can't be",
			"not believed; its shares are named as missing",
			[]string{"web.TestSharesOfWhichNothingIsKnownAreNamed", "web.TestAReplicaAnswersOnlyWhatItIsAsked", "mailbox.TestWhatCanNotBeAnsweredIsNotWaitedFor", "mailbox.TestAReplicaIsAskedWhateverItHolds"},
		},
		{
			"kill -9 of a replica that stood still while ids were acknowledged, and of Redis with appendonly; a share that is given to another replica meanwhile",
			"every id that was acknowledged is asked about",
			[]string{"app.TestPushesWhileAShareIsGivenToAnotherReplica", "main.TestPushesSurviveTheLossOfAnyReplicaAndOfRedis", "shared.TestAnyReplicaKeepsPushesAndTheHolderTakesThem"},
		},
		{
			"ids in Redis that were pushed to groups which are gone",
			"they go after 60 days, and those of other parts stay",
			[]string{"shared.TestIDsPushedToGroupsThatTakeNoneForSixtyDaysLeaveRedis"},
		},
		{
			"notes for a replica that nobody takes",
			"the journal stays below 10,000 notes, and who takes the share reads all again",
			[]string{"shared.TestAJournalThatNobodyTakesStaysShort"},
		},
		{
			"two replicas of one name, or with different leases or parts",
			"the later one ends after a lease, or takes nothing until the others are gone",
			[]string{"cluster.TestANameThatIsTakenIsRefused", "cluster.TestOtherConfigurations"},
		},
		{
			"a file of a version that kept records by id alone",
			"its records are those of the accounts of their groups; where that can't be told they are nobody's, and go after 60 days",
			[]string{
				"store.TestRecordsOfFormat1AreStillRead", "store.TestRecordsOfFormat1GoToTheAccountsOfTheirGroups",
				"store.TestAnAccountsOwnRecordGoesBeforeOneKeptByID", "store.TestARecordOfFormat1WhoseGroupIsGoneGoesAfter60Days",
				"store.TestARecordUnderAnotherAccountsKeyIsNotBelieved", "app.TestRecordsKeptByIDAreThoseOfTheAccountOfTheirGroup",
			},
		},
		{
			"the file cut at any length, any bit flipped, pages of zeros, a foreign file, a newer version, a folder in its place",
			"starts; a damaged file is set aside whole; no wrong record is ever believed",
			[]string{
				"store.TestAFileCutAtAnyLengthIsSetAside", "store.TestNoBitFlippedMakesAWrongRecord", "store.TestAPageOfZerosIsFound",
				"store.TestWhatIsNotOurFileIsSetAside", "store.TestAFileOfANewerVersionIsSetAsideWhole", "store.TestAFolderInPlaceOfTheFileIsSetAside",
				"store.FuzzDamagedFileIsNeverBelievedWrongly",
			},
		},
		{
			"records with right checksums that can't be true: text that is not UTF-8, NaN, times before or after all, a fail code of 64 KiB, an end of what has not ended",
			"counted as damaged, not believed in any part, asked for again; metrics and JSON stay readable; what JSON can't say is a 500",
			[]string{
				"app.TestACraftedStoreMakesNoAnswerUnreadable", "store.TestARecordThatCanNotBeTrueIsAsIfItWereNotThere",
				"store.FuzzRecordComesBack", "store.FuzzSealedContentIsNoWildRecord", "store.TestACompletionBeforeTheCreationIsBelieved",
				"tracker.TestNoOddAnswerIsAskedForAgainAfterARestart", "web.TestWhatCanNotBeJSONIsNoSuccess",
			},
		},
		{
			"a link, a FIFO or a device in the place of the storage file, at the start or while running", "not opened, set aside; with `--storage.strict` an error",
			[]string{
				"store.TestNoLinkIsFollowedAtTheStorageFile", "store.TestALinkPutInPlaceWhileRunningIsNotTakenForTheFile",
				"app.TestAStorageThatOthersCanWriteIsAWarningOrTheEnd/a link",
			},
		},
		{
			"a storage folder or file that everybody, another group or another user can write",
			"a warning with the path and what to do; with `--storage.strict` an error, and nothing is touched",
			[]string{
				"store.TestWhoElseCanWriteIsDistrusted", "store.TestAStorageThatOthersCanWriteIsWarnedOfAndUsed",
				"store.TestStrictStorageThatOthersCanWriteIsRefusedAsItIs", "store.TestStrictStorageOfOurOwnIsUsedWithoutAWord",
				"store.TestAStrictStoreThatBecomesOthersIsMemoryOnly", "app.TestAStorageThatOthersCanWriteIsAWarningOrTheEnd/a folder for everybody",
			},
		},
		{
			"disk full, read-only, folder removed while running", "memory only, `kie_exporter_store_up` 0; recovers",
			[]string{
				"store.TestAFullDiskIsMemoryOnlyUntilThereIsRoom", "store.TestStartsOnAFullDisk", "store.TestStartsOnAReadOnlyDisk",
				"store.TestAFolderRemovedWhileRunningIsMadeAgain",
			},
		},
		{"kill -9 in the midst of writing", "nothing acknowledged is lost, nothing counted twice", []string{"store.TestKillLosesNothingAndCountsNothingTwice"}},
		{"a second process on the same path", "refused in clear words", []string{"store.TestASecondOneOnTheSamePathIsRefused"}},
		{
			"a last answer that lies ahead, as of a clock that was wrong", "taken for one of now: the task is asked on time",
			[]string{"tracker.TestALastAnswerFromTheFutureIsOneOfNow"},
		},
		{
			"a state that another endpoint told, where the task is asked about at another one now", "not shown; the task is pending until it is asked",
			[]string{"tracker.TestAStateOfAnotherEndpointIsNotShownAfterARestart"},
		},
	}
}

// oddTimes are answers that are wrong about when something happened.
func oddTimes() []row {
	return []row{
		{
			"three failed or finished tasks in a row without completeTime, in a group that relies on callbacks",
			"their last update counts as their end; without one they say nothing about callbacks, which are relied on as before",
			[]string{"tracker.TestAnEndOfUnknownTimeIsNoMissedCallback", "tracker.TestATaskLastUpdatedLongAgoHasMissedItsCallback"},
		},
		{
			"a Date header that is 20 hours, 26 hours or 61 days off, once; nine times; with a final answer; before the answer's own times",
			"no task is parked, overdue or given up for it; what several showed is taken back; no time is lost; nothing old is news",
			[]string{
				"tracker.TestOneWildDateParksNoTaskAndShowsNoneOverdue", "tracker.TestAWildDateGivesNoTaskUp", "tracker.TestWhatWildDatesShowedIsTakenBack",
				"tracker.TestAWildDateLosesNoTimesAndNoNews", "tracker.TestADateBeforeWhatTheAnswerTellsOfIsNotGoneBy",
			},
		},
	}
}
