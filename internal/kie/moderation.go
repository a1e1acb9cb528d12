// Whether a failure's text says that what was asked for, or what came of it, is not allowed.

package kie

import (
	"regexp"
	"strings"
)

// saysModeration looks for the words of moderation in every form, after what only sounds like it is taken out.
func saysModeration(message string) bool {
	text := asParameter.ReplaceAllString(namedPolicy.ReplaceAllString(message, " "), " ")
	text = unlessVerb(namedParameter, text)
	text = " " + strings.ToLower(separator.ReplaceAllString(wordBreak.ReplaceAllString(text, "$1 $2"), " ")) + " "
	text, technical := cutOut(text, technicalTerms)
	switch {
	case moderationWords.MatchString(text):
		return true
	case technical && !aboutContent.MatchString(text):
		return false
	}
	return verdicts.MatchString(text) && !technicalObjects.MatchString(text) || policyJudged(text)
}

// policyJudged reports whether a text says that a policy has been applied to content, rather than that there is one.
func policyJudged(text string) bool { return policy.MatchString(text) && applied.MatchString(text) }

// unlessVerb takes out every match whose last word is a name: "field nsfw", but not "fields were".
func unlessVerb(what *regexp.Regexp, text string) string {
	return what.ReplaceAllStringFunc(text, func(match string) string {
		switch strings.ToLower(match[strings.LastIndexByte(match, ' ')+1:]) {
		case "is", "are", "was", "were", "of", "for", "in", "and", "or", "that", "has", "have", "with", "to":
			return match
		}
		return " "
	})
}

// cutOut takes every match out of a text, and reports whether there was any.
func cutOut(text string, what *regexp.Regexp) (rest string, found bool) {
	rest = what.ReplaceAllString(text, " ; ")
	return rest, rest != text
}

var (
	// wordBreak is where two words meet in a name like SensitiveContentDetected.
	wordBreak = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	// separator is what stands between the words of CONTENT_POLICY_VIOLATION, content-policy and the like. Full stops and the
	// like stay, as what belongs together does not go across them.
	separator = regexp.MustCompile(`[\s_\-"'` + "`" + `’“”*/]+`)

	// asParameter is a parameter as a validation names it: before what it must be, or after what it is.
	asParameter = regexp.MustCompile(`(?i)["'` + "`" + `]?(?:safety |moderation |nsfw )?[\w.\[\]-]+["'` + "`" + `]?:? (?:is|are|was|were) (?:an? )?` +
		`(?:not (?:a )?(?:valid|supported|recogni[sz]ed|set|defined|numeric|positive|an? )|invalid|required|missing|deprecated|unknown|out of range|read only|empty)` +
		`|["'` + "`" + `]?(?:safety |moderation |nsfw )?[\w.\[\]-]+["'` + "`" + `]?:? (?:must|should|needs to|has to|cannot|can't) be\b` +
		`|\b(?:value (?:for|of)|missing|unknown|unsupported|unexpected) ["'` + "`" + `]?\w+[_.]\w+` +
		`|\bvalue(?: for| of|:) (?:the )?["'` + "`" + `]?\w+` +
		`|\binvalid (?:\w+ )?(?:for |of )?["'` + "`" + `]?\w*(?:version|level|tolerance|checker|setting|threshold|filter)s?\b` +
		`|["'` + "`" + `]?\b[a-z]+[_.][\w.]+["'` + "`" + `]? (?:parameter|param|field|argument|property|option|attribute|flag)s?\b`)

	// namedParameter is one that is called so.
	namedParameter = regexp.MustCompile(`(?i)\b(?:parameter|param|field|argument|property|option|attribute|header|flag|setting)s?:? ["'` + "`" + `]?[\w.\[\]-]+` +
		`|\b(?:unknown|unexpected|missing|extra|invalid|unsupported) (?:key|column|name)s?:? ["'` + "`" + `]?[\w.\[\]-]+`)
	// namedPolicy is the place of a text, whatever the text is about.
	namedPolicy = regexp.MustCompile(`(?i)\b(?:\w+[ _-])?polic(?:y|ies)[ _-](?:url|uri|link|id|page)s?\b`)

	// technicalTerms is what has to do with programs, although its words do with moderation.
	technicalTerms = regexp.MustCompile(strings.Join([]string{
		`(?:rate limit(?:ing|s)?|throttl\w+|privacy|retry|retries|retention|cors|cookie|cach\w+|security|password|refund|pricing|billing|` +
			`payment|backoff|restart|eviction|iam|bucket|access|network|routing|scaling|lifecycle|key|quota|fair use|firewall|update|upgrade|` +
			`timeout|proxy|same origin|origin|referrer|webhook|callback|scheduling|scheduler|queue|storage|organi[sz]ation|role|pull|` +
			`deletion|concurrency|credits?|load balancing|tls|certificate|domain|shipping|insurance|upload|maintenance|size|naming|versioning|backup|logging|support|account|subscription) polic(?:y|ies)\b`,
		`\bpolic(?:y|ies) (?:url|uri|link|id|name|version|document|file|engine|server|service|page|number|holder|not found)\b`,
		`\b(?:foreign key|unique|primary key|not null|check|integrity|schema|constraint|protocol|access|segmentation|memory|sharing|type|` +
			`format|sla|quota|limit|rate limit|timing|lock|order|uniqueness|layer|contract) violat\w+`,
		`\bviolat\w+ (?:(?:of|the|a|an|its|our|their|your|not|unique|foreign|primary|check|table) )*(?:null |key )?(?:foreign|unique|` +
			`primary|constraint|schema|protocol|integrity|rate|limit|quota|sla|key|rfc|http|spec\w*|format|invariant|contract|type|concurrency|ur[li]|min\w*|max\w*|size|dimensions?|aspect|resolution|length|pattern|regex\w*|naming|encoding|json|;)`,
		`\b(?:case|time|latency|type|order|locale|whitespace|space|accent|position|light|cost|price|motion|context|touch|temperature) (?:in)?sensitiv\w+`,
		`\bsensitiv\w+ (?:data|fields?|headers?|env\w*|variables?|files?|keys?|credentials?|to)\b`,
		`\bsensitivity\b`,
		`\bsafety (?:tolerance|margins?|factors?|levels?|checker version|net|timeout|stock|lock|parameters?|catch|switch)\b`,
		`\b(?:thread|type|memory|exception|null|concurrency) safety\b`,
		`\bmoderat(?:e|ely)\b`,
		`\b(?:moderat(?:ion|or)|safety|nsfw)(?: \w+){0,2} (?:service|api|server|endpoint|queue|backend|check|checker|filter|request|call|system|model|worker)?` +
			` ?(?:is |was |are |has |currently |temporarily )*(?:unavailable|unreachable|timed out|timeout|time out|down|overloaded|busy|offline|crashed|not responding|not loaded|disabled|enabled|starting|full|failed to (?:load|start|respond|connect|initiali[sz]e)|out of memory)\b`,
		`\b(?:timed out|timeout|time out) (?:in|at|on|during|within|while|waiting)(?: \w+){0,3} (?:moderat\w+|safety|nsfw)(?: \w+)?`,
		`\b(?:moderation|safety|nsfw) (?:service|api|server|endpoint|backend|model|worker) (?:error|returned|responded|refused)\b`,
		`\b(?:calling|call to|could not (?:reach|load|connect to|contact))(?: \w+){0,2} (?:moderat\w+|safety|nsfw)(?: \w+)?`,
		`\b(?:moderation|safety|nsfw) (?:level|mode|checker|filter|threshold|score|model|version|flag|tolerance|setting)s? (?:version|level|not found|unsupported|failed to load|cannot|value)\b`,
		`\bflagged (?:as |for |by )(?:the )?(?:retry|retries|stale|faulty|preempt\w*|stuck|hung|zombie|orphan\w*|abandoned|leaked|compromised|duplicate|corrupt\w*|failed|done|deleted|deletion|expired|slow|lost|dead|timed out|billing|` +
			`payment|maintenance|cleanup|garbage|scheduler|watchdog|inactive|unhealthy|overdue|missing|incomplete|refund|removal|beta)\b`,
		`\bprohibited (?:characters?|methods?|header|headers|port|redirect|protocol|operation|by firewall|by cors|from calling|from accessing)\b`,
		`\b(?:concurrent|parallel|duplicate|repeated|redirects?|http|access|writes?|operation|method|methods|calls?|overwriting|polling|downgrades?|` +
			`requests?|headers?|ports?|use of http|connections?|file types?|types?|extensions?|formats?)(?: to \w+| from \w+)?(?: is| are| was| were)? prohibited\b`,
		`\b403 prohibited\b`, `\b(?:account|ip|ip address|api|key|token|card|transaction|payment|worker|node|gpu|host|instance)(?: is| was| has been| have been| been)? flagged\b`,
		`\baccess (?:to \w+ )?(?:is )?prohibited\b`,
		`\bminor (?:version|release|update|upgrade|error|issue|change|number|key|axis|gc|fault|page|delay|bug|revision|scale|problem|upload ` +
			`(?:error|issue|delay|problem|glitch|hiccup|failure|failed))s?\b`,
	}, "|"))

	// moderationWords mean moderation wherever they stand.
	moderationWords = regexp.MustCompile(strings.Join([]string{
		`\bnsfw\b`, `\bnot safe for work\b`, `\bmoderat(?:ion|ions|or|ors|ed|ing)\b`, `\bsafety\b`, `\bunsafe\b`, `\bsensitive\b`,
		`\b(?:content|safety|usage|community|acceptable use|prohibited use|moderation|generative ai) (?:polic(?:y|ies)|guidelines?|standards?)\b`,
		`\bcontent (?:filter\w*|restriction\w*|violation\w*|blocked|rejected|flagged)\b`, `\bprohibited (?:content|use|words?|terms?|material|topics?|prompt|image)\b`,
		`\bminors? (?:photo |image |video )?upload\w*`, `\bupload\w* (?:of |with |an? |the |image |images |photo |photos |containing )*(?:minors|a minor)\b`,
		`\bprominent (?:people|person|persons|figure|figures|individual|individuals)\b`, `\bpublic figures?\b`,
		`\bcould not be processed\b`, `\bdepict\w* (?:an? |the )?minors?\b`, `\brisk (?:control|detect\w+)\b`, `敏感(?:内容|信息|词)|内容违规|违规内容|审核(?:未|不)通过`,
		`sensitivecontent|contentpolicy|riskdetection|policyviolation|contentmoderation|prohibitedcontent`, // names in one case throughout
	}, "|"))

	// verdicts is what is said of content that is not allowed, unless it is said of programs.
	verdicts         = regexp.MustCompile(`\bviolat(?:e|es|ed|ing|ion|ions|ive)\b|\bflagged\b|\bprohibited\b|\bdisallowed content\b|\binappropriate\b`)
	technicalObjects = regexp.MustCompile(`\b(?:constraint|schema|foreign key|protocol|integrity|quota|rate limit|sla|rfc|table|column|sql|database|json|xml)s?\b`)

	// aboutContent is what moderation is applied to.
	aboutContent = regexp.MustCompile(`\b(?:prompts?|content|contents|images?|photos?|pictures?|videos?|audio|texts?|uploads?|inputs? (?:image|text)|likeness|nudity|terms)\b`)

	policy  = regexp.MustCompile(`\bpolic(?:y|ies)\b`)
	applied = regexp.MustCompile(`\b(?:violat\w*|against|block(?:ed|s)?|reject\w*|refus\w*|flagged|prohibit\w*|breach\w*|compl(?:y|ies|iant|iance)|disallow\w*|` +
		`not (?:allowed|permitted)|restrict\w*|declin\w*|filtered|denied|because of|due to|infring\w*|contraven\w*|conflicts? with|goes against|our|openai|google|provider)\b`)
)
