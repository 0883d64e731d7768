"""The credentials that providers give a shape of their own, after the formats that they publish.

All expressions are linear: what repeats without bound is possessive and either is the match, or cannot begin again
inside of itself because it must begin a word.
"""

from mitmclaude.redact.rule import WORD, Rule, rule

_A = rb"[A-Za-z0-9]"
_W = rb"[A-Za-z0-9_-]"
_HEX = rb"[0-9a-f]"
_END = rb"(?![A-Za-z0-9])"
_DIGIT = rb"(?=[A-Za-z_-]{0,40}[0-9])"  # words alone are placeholders

_ANYWHERE: list[tuple[bytes, bytes]] = [
    (rb"ghp_ gho_ ghu_ ghs_ ghr_", _A + rb"{30,}+"),  # GitHub
    (rb"github_pat_", rb"[A-Za-z0-9_]{20,}+"),
    (rb"npm_ hf_ api_org_", _A + rb"{30,}+"),  # npm, Hugging Face
    (rb"gsk_", _A + rb"{40,}+"),  # Groq
    (rb"whsec_", rb"[A-Za-z0-9+/=]{24,}+"),  # Stripe and Svix webhooks
    (rb"dop_v1_ doo_v1_ dor_v1_", _HEX + rb"{60,}+"),  # DigitalOcean
    (rb"dckr_pat_ dckr_oat_", _W + rb"{20,}+"),  # Docker
    (rb"shpat_ shpca_ shppa_ shpss_ shpas_ shpct_", _HEX + rb"{32,}+"),  # Shopify
    (rb"sk-ant-", _W + rb"{12,}+"),  # Anthropic
    (rb"ABSKQmVkcm9ja0FQSUtleS", rb"[A-Za-z0-9+/=]{40,}+"),  # Bedrock
    (rb"bedrock-api-key-", rb"[A-Za-z0-9+/=_-]{40,}+"),
    (rb"xox", rb"[a-z]-[A-Za-z0-9-]{16,}+"),  # Slack
    (rb"xapp-", rb"[A-Za-z0-9-]{16,}+"),
    (rb"hooks.slack.com/", rb"(?:services|workflows|triggers)/[A-Za-z0-9_/-]{16,}+"),
    (
        rb"glpat- glrt- gldt- glft- glsoat- glcbt- glptt- glagent- gloas- glimt- glffct-",
        rb"[A-Za-z0-9_.-]{16,}+",
    ),  # GitLab
    (rb"pypi-AgE", _W + rb"{16,}+"),
    (rb"GOCSPX-", _W + rb"{20,}+"),  # Google OAuth client secret
    (rb"SG.", rb"[A-Za-z0-9_-]{16,32}+\.[A-Za-z0-9_-]{32,}+"),  # SendGrid
    (rb"discord.com/api/webhooks/ discordapp.com/api/webhooks/", rb"[0-9]{15,20}/[A-Za-z0-9_-]{50,}+"),
    (rb"lin_api_ lin_oauth_", _A + rb"{32,}+"),  # Linear
    (rb"AGE-SECRET-KEY-", rb"(?:PQ-)?1[A-Z0-9]{50,}+"),  # age
    (rb"ATATT3x ATCTT3x ATSTT3x", rb"[A-Za-z0-9_=-]{40,}+"),  # Atlassian
    (rb"glsa_", _A + rb"{32}_[0-9A-Fa-f]{8}"),  # Grafana
    (rb"glc_ sntrys_ ops_", rb"eyJ[A-Za-z0-9+/=_-]{32,}+"),  # Grafana Cloud, Sentry, 1Password
    (rb"sntryu_ sntrya_", _HEX + rb"{60,}+"),
    (rb"PMAK-", rb"[0-9a-f]{24}-[0-9a-f]{34}"),  # Postman
    (rb"rubygems_", _HEX + rb"{48}"),
    (rb"figd_ figu_", _W + rb"{40,}+"),  # Figma
    (rb"pscale_tkn_ pscale_pw_ pscale_oauth_", rb"[A-Za-z0-9_.=-]{32,}+"),  # PlanetScale
    (rb"FLWSECK- FLWSECK_TEST-", _A + rb"{12,}+"),  # Flutterwave
    (rb"HRKU-", _W + rb"{36,}+"),  # Heroku
    (rb"sbp_", _HEX + rb"{40}"),  # Supabase
    (rb"sb_secret_", _DIGIT + _W + rb"{24,}+"),
    (rb"pplx-", _A + rb"{40,}+"),  # Perplexity
    (rb"nvapi-", _W + rb"{40,}+"),  # NVIDIA
    (rb"jina_", _A + rb"{40,}+"),
    (rb"pcsk_", rb"[A-Za-z0-9_]{40,}+"),  # Pinecone
    (rb"lsv2_pt_ lsv2_sk_", rb"[0-9a-f]{32}_[0-9a-f]{8,}+"),  # LangSmith
    (rb"xkeysib- xsmtpsib-", rb"[0-9a-f]{64}-[A-Za-z0-9]{16}"),  # Brevo
    (rb"CCIPAT_ CCIPRJ_", rb"[A-Za-z0-9]{22}_[0-9a-f]{40}"),  # CircleCI
    (rb"bkua_", rb"[0-9a-z]{40}"),  # Buildkite
    (rb"pat-na1- pat-na2- pat-eu1-", rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),  # HubSpot
    (rb"vercel_blob_rw_", rb"[A-Za-z0-9_]{24,}+"),
    (rb"shippo_live_ shippo_test_", _HEX + rb"{40}"),
    (rb"duffel_live_ duffel_test_", _W + rb"{40,}+"),
    (rb"dt0c01. dt0s01.", rb"[A-Z2-7]{24}\.[A-Z2-7]{60,}+"),  # Dynatrace
    (rb"rdme_", rb"[a-z0-9]{64,}+"),  # ReadMe
    (rb"CLOJARS_", rb"[a-z0-9]{60}"),
    (rb"CFPAT-", _W + rb"{43}"),  # Contentful
    (rb"sgp_", rb"(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}"),  # Sourcegraph
    (rb"sha256~", _W + rb"{43}"),  # OpenShift
    (rb"sq0atp- sq0csp-", _W + rb"{22,}+"),  # Square
    (rb"EAACEdEose0cBA", _A + rb"{20,}+"),  # Facebook
]

_AS_A_WORD: list[tuple[bytes, bytes]] = [
    (rb"mcl_", _W + rb"{40,}+"),  # our own, see auth
    (rb"sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_", _A + rb"{16,}+"),  # Stripe
    (rb"sk_", _HEX + rb"{48}"),  # ElevenLabs
    # OpenAI and all who copy it: at most two short words, then a long run with several digits or capitals
    (rb"sk-", rb"(?:[a-z0-9]{1,10}-){0,2}+(?=(?:[a-z_-]*+[A-Z0-9]){4})[A-Za-z0-9_-]{20,}+"),
    (rb"eyJ", rb"[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{4,}+){1,4}+"),  # JWT: signed or encrypted, cut ones too
    (rb"AIzaSy", _W + rb"{28,}+"),  # Google
    (rb"ya29.", rb"[A-Za-z0-9_.-]{20,}+"),
    (rb"1//0", _W + rb"{40,}+"),
    (rb"AKIA ASIA ABIA ACCA", rb"[A-Z0-9]{16,}+"),  # AWS
    (rb"hvs. hvb. hvr.", _DIGIT + _W + rb"{24,}+"),  # Vault
    (rb"xai-", _A + rb"{60,}+"),  # xAI
    (rb"tskey-", rb"[a-z]{2,12}-[A-Za-z0-9]{8,}+(?:-[A-Za-z0-9]{12,}+)?"),  # Tailscale
    (rb"dapi", rb"[0-9a-f]{32}" + _END),  # Databricks
    (rb"ATBB", _DIGIT + _A + rb"{32}" + _END),  # Bitbucket
    (rb"dp.pt. dp.ct. dp.sa. dp.st. dp.scim. dp.audit.", rb"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),  # Doppler
    (rb"NRAK- NRAA-", rb"[A-Z0-9]{27}"),  # New Relic
    (rb"NRJS- NRII-", _DIGIT + _W + rb"{19,}+"),
    (rb"pul-", _HEX + rb"{40}" + _END),  # Pulumi
    (rb"ntn_", _A + rb"{40,}+"),  # Notion
    (rb"secret_", _DIGIT + _A + rb"{43}" + _END),
    (rb"fm1_ fm2_ fm1a_ fm1r_ fo1_", rb"[A-Za-z0-9+/=_-]{40,}+"),  # Fly.io
    (rb"r8_", _A + rb"{37,40}" + _END),  # Replicate
    (rb"tvly-", rb"(?=[A-Za-z-]{0,20}[0-9])[A-Za-z0-9-]{28,}+"),  # Tavily
    (rb"fc-", _HEX + rb"{32}" + _END),  # Firecrawl
    (rb"csk-", rb"[0-9a-z]{48}" + _END),  # Cerebras
    (rb"e2b_", _HEX + rb"{40}" + _END),
    (rb"key-", _HEX + rb"{32}" + _END),  # Mailgun
    (rb"SK", _HEX + rb"{32}" + _END),  # Twilio
    (rb"A3-", rb"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}" + _END),  # 1Password
    (rb"nfp_", _A + rb"{36,}+"),  # Netlify
    (rb"oy2", rb"[a-z0-9]{43}" + _END),  # NuGet
    (rb"LTAI", _DIGIT + _A + rb"{16,24}" + _END),  # Alibaba Cloud
    (rb"AKCp cmVmdGtu", _A + rb"{50,}+"),  # Artifactory
    (rb"ico-", _A + rb"{32}" + _END),  # Infracost
    (rb"pnu_ pnb_", rb"[A-Za-z0-9]{36}" + _END),  # Prefect
    (rb"tk-us-", _W + rb"{48}"),  # Scalingo
    (rb"API-", _DIGIT + rb"[A-Z0-9]{26,}+"),  # Octopus Deploy
    (rb"AQVN", _W + rb"{35,38}" + _END),  # Yandex
    (rb"EZAK EZTK", _A + rb"{54}" + _END),  # EasyPost
    (rb"v1.0-", rb"[0-9a-f]{24}-[0-9a-f]{100,}+"),  # Cloudflare origin CA
    (rb"phx_", _A + rb"{40,}+"),  # PostHog
]

PROVIDERS: tuple[Rule, ...] = (
    *(rule(literals, rest) for literals, rest in _ANYWHERE),
    *(rule(literals, rest, WORD) for literals, rest in _AS_A_WORD),
    rule(rb"AIza", _W + rb"{30,}+", WORD + rb"(?<![+/])"),  # four letters alone do occur in long base64
    rule(rb"Q~", rb"[A-Za-z0-9_.~-]{30,}+", before=rb"[A-Za-z0-9_.~-]{3}[0-9]", back=4),  # Microsoft Entra
    rule(rb".atlasv1.", rb"[A-Za-z0-9_=-]{60,}+", before=rb"[A-Za-z0-9]{14}", back=14),  # Terraform Cloud
    rule(rb":AA", rb"[A-Za-z0-9_-]{32,33}(?![A-Za-z0-9_-])", rb"(?<=[0-9]{8})"),  # Telegram
)
