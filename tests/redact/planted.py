"""Texts with a planted secret between « and », each of its kind; all are fake and put together at run time."""

import base64
import string
from random import Random

_RANDOM = Random(7)


def a(n: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random characters that hold a digit and both cases, as far as the alphabet has them."""
    while True:
        made = "".join(_RANDOM.choices(alphabet, k=n))
        kinds = (string.digits, string.ascii_uppercase, string.ascii_lowercase)
        if all(any(c in kind for c in made) for kind in kinds if set(kind) & set(alphabet)):
            return made


def h(n: int) -> str:
    return a(n, "0123456789abcdef")


def u(n: int) -> str:
    return a(n, string.ascii_uppercase + string.digits)


def low(n: int) -> str:
    return a(n, string.ascii_lowercase + string.digits)


UUID = f"{h(8)}-{h(4)}-{h(4)}-{h(4)}-{h(12)}"
USER = base64.b64encode(b"user:hunter2x").decode()
PEM = [a(64) for _ in range(4)]
BEGIN, END = "-----BEGIN " + "RSA PRIVATE KEY-----", "-----END " + "RSA PRIVATE KEY-----"

PROVIDERS = {
    "mitmclaude": "mcl_" + a(43),
    "bedrock": "ABSKQmVkcm9ja0FQSUtleS" + a(90) + "=",
    "bedrock-short": "bedrock-api-key-" + a(120),
    "vault": "hvs." + a(95),
    "vault-batch": "hvb." + a(140),
    "gitlab-runner": "glrt-" + a(20),
    "gitlab-deploy": "gldt-" + a(20),
    "gitlab-feed": "glft-" + a(20),
    "gitlab-agent": "glagent-" + a(50),
    "google-access": "ya29." + a(80),
    "google-refresh": "1//0" + a(60),
    "xai": "xai-" + a(80),
    "linear": "lin_api_" + a(40),
    "tailscale": "tskey-auth-" + a(12) + "-" + a(32),
    "databricks": "dapi" + h(32),
    "age": "AGE-SECRET-KEY-1" + u(58),
    "atlassian": "ATATT3x" + "Ff" + a(180) + "=" + u(8),
    "bitbucket": "ATBB" + a(32),
    "grafana": "glsa_" + a(32) + "_" + h(8),
    "grafana-cloud": "glc_" + "eyJ" + a(100),
    "sentry-org": "sntrys_" + "eyJ" + a(90) + "_" + a(40),
    "sentry-user": "sntryu_" + h(64),
    "doppler": "dp.pt." + a(43),
    "doppler-service": "dp.st.prd." + a(43),
    "square": "sq0csp-" + a(43),
    "newrelic": "NRAK-" + u(27),
    "postman": "PMAK-" + h(24) + "-" + h(34),
    "pulumi": "pul-" + h(40),
    "rubygems": "rubygems_" + h(48),
    "figma": "figd_" + a(40),
    "notion": "ntn_" + a(46),
    "notion-old": "secret_" + a(43),
    "planetscale": "pscale_tkn_" + a(43),
    "flutterwave": "FLWSECK-" + h(32),
    "fly": "fm2_" + a(120),
    "heroku": "HRKU-" + "AA" + a(58),
    "supabase": "sbp_" + h(40),
    "supabase-secret": "sb_secret_" + a(31),
    "replicate": "r8_" + a(37),
    "perplexity": "pplx-" + a(48),
    "nvidia": "nvapi-" + a(64),
    "tavily": "tvly-dev-" + a(32),
    "firecrawl": "fc-" + h(32),
    "jina": "jina_" + a(48),
    "pinecone": "pcsk_" + a(6) + "_" + a(60),
    "cerebras": "csk-" + low(48),
    "langsmith": "lsv2_pt_" + h(32) + "_" + h(10),
    "e2b": "e2b_" + h(40),
    "elevenlabs": "sk_" + h(48),
    "mailgun": "key-" + h(32),
    "brevo": "xkeysib-" + h(64) + "-" + a(16),
    "twilio": "SK" + h(32),
    "1password": "ops_" + "eyJ" + a(200),
    "1password-key": "A3-" + u(6) + "-" + u(11) + "-" + u(5) + "-" + u(5) + "-" + u(5),
    "circleci": "CCIPAT_" + a(22) + "_" + h(40),
    "buildkite": "bkua_" + low(40),
    "netlify": "nfp_" + a(36),
    "hubspot": "pat-na1-" + UUID,
    "vercel-blob": "vercel_blob_rw_" + a(16) + "_" + a(30),
    "nuget": "oy2" + low(43),
    "alibaba": "LTAI" + a(20),
    "artifactory": "AKCp" + a(69),
    "openshift": "sha256~" + a(43),
    "shippo": "shippo_live_" + h(40),
    "duffel": "duffel_live_" + a(43),
    "dynatrace": "dt0c01."
    + u(24).translate(str.maketrans("0189", "ABCD"))
    + "."
    + u(64).translate(str.maketrans("0189", "ABCD")),
    "infracost": "ico-" + a(32),
    "prefect": "pnu_" + a(36),
    "readme": "rdme_" + low(70),
    "scalingo": "tk-us-" + a(48),
    "clojars": "CLOJARS_" + low(60),
    "sourcegraph": "sgp_" + h(16) + "_" + h(40),
    "octopus": "API-" + u(27),
    "contentful": "CFPAT-" + a(43),
    "yandex": "AQVN" + a(36),
    "easypost": "EZAK" + a(54),
    "terraform": a(14) + ".atlasv1." + a(64),
    "cloudflare": "v1.0-" + h(24) + "-" + h(146),
    "posthog": "phx_" + a(44),
    "digitalocean-oauth": "doo_v1_" + h(64),
    "docker-org": "dckr_oat_" + a(32),
    "discord-hook": "discord.com/api/webhooks/" + "123456789012345678/" + a(68),
    "facebook": "EAACEdEose0cBA" + a(60),
    "stripe-webhook": "whsec_" + "ab+/cd/+" + a(24) + "==",
    "hugging-face-org": "api_org_" + a(34),
    "aws-bearer": "ABIA" + u(16),
}
"""What is a credential by its shape, wherever it stands."""

IN_CONTEXT = {
    "telegram": "bot 123456789«:AA" + a(33) + "»",
    "kubeconfig": "    client-key-data: «LS0tLS1CRUdJTi" + a(80) + "==»\n",
    "docker": '{"auths": {"r.example": {"auth": "«' + USER + '»"}}}',
    "docker-nested": r'{"a":"{\"auth\": \"«' + USER + r'»\"}"}',
    "npm": "//r.example/:_auth=«" + USER + "»\n",
    "npm-token": "//r.example/:_authToken=«" + UUID + "»\n",
    "netrc": "machine api.example login me password «correct/horse»\n",
    "netrc-lines": "machine api.example\n  login me\n  password «correct/horse»\n",
    "xml": "<password>«corRect-horse»</password>",
    "xml-attribute-name": "<proxy-password>«hunter2x»</proxy-password>",
    "xml-namespace": "<s:apiKey>«abcd1234»</s:apiKey>",
    "define": "define('DB_PASSWORD', '«correcthorse»');",
    "define-salt": "define( 'AUTH_KEY',  '«aB3 |+{;-x.y(z)=~Q7»' );",
    "curl": "curl -s -X POST -u admin:«correct/horse» https://x.example/",
    "curl-quoted": "curl --user 'admin:«correct/horse»' https://x.example/",
    "curl-json": r'{"command":"curl -u \"admin:«correct/horse»\" https://x"}',
    "sshpass": "sshpass -p '«correct-horse»' ssh me@host",
    "sshpass-joined": "sshpass -p«correct-horse» ssh me@host",
    "cookie": "Cookie: «theme=dark; sid=" + a(32) + "»\n",
    "cookie-curl": "curl -H 'Cookie: «sid=" + a(32) + "»' https://x",
    "cookie-json": '{"cookie": "«sid=' + a(32) + '»"}',
    "set-cookie": "set-cookie: «sid=" + a(32) + "; Path=/; HttpOnly»\n",
    "authorization-token": "Authorization: token «" + h(40) + "»\n",
    "authorization-okta": "Authorization: SSWS «00" + a(40) + "»\n",
    "authorization-bare": 'headers = {"Authorization": "«' + a(40) + '»"}',
    "slash": "DB_PASSWORD=«/9aB+cD3/eF4gH5iJ»\n",
    "slash-quoted": 'secret = "«/9aB+cD3/eF4gH5iJ»"',
    "angle": 'password = "«ab<cd>1(x)y!»"',
    "angle-setting": "DB_PASSWORD=«ab(cd1<x>y»\n",
    "parenthesis": '{"password": "«p(ss)word1x»"}',
    "pem-hash": f"# «{BEGIN}\n# {PEM[0]}\n# {PEM[1]}\n# {PEM[2]}\n# {END}»\n",
    "pem-slashes": f"// «{BEGIN}\n// {PEM[0]}\n// {PEM[1]}\n// {PEM[2]}\n// {END}»\n",
    "pem-stars": f" * «{BEGIN}\n * {PEM[0]}\n * {PEM[1]}\n * {END}»\n",
    "pem-joined": f'k = "{BEGIN}\\n" +\n    "«{PEM[0]}»\\n" +\n    "«{PEM[1]}»\\n" +\n    "{END}";',
    "pem-joined-lines": f"'{BEGIN}',\n'«{PEM[0]}»',\n'«{PEM[1]}»',\n'«{PEM[2][:30]}==»',\n'{END}'",
    "pem-tab": f"«{BEGIN}\n\t{PEM[0]}\n\t{PEM[1]}\n\t{END}»\n",
}
"""What is one by what stands around it."""

HARMLESS = {
    "placeholders": "hvs.XXXXXXXXXXXXXXXXXXXXXXXXXXXXXX xai-your-api-key-here tskey-auth-xxx dapi-something",
    "words": "key-value SK-learn fc-network pul-request ico-file re_compile secret_key_of_the_whole_application",
    "netrc-prose": "on this machine you login with a password that is yours",
    "xml-prose": "<password>${env.PASSWORD}</password><secret>see-below</secret><password>your-password</password>",
    "xml-type": "Map<String, Token> x; Set<token> abcdefg1; List<Secret>()",
    "define-prose": "define('AUTH_KEY', 'put your unique phrase here'); define('DB_PASSWORD', 'password_here');",
    "curl-placeholder": "curl -u user:password https://x; curl -u $USER:$PASSWORD https://x; curl -u <user>:<password> x",
    "not-curl": "git push -u origin:branch1; docker run -u 1000:10001 image",
    "sshpass-variable": 'sshpass -p "$PASSWORD" ssh me@host; sshpass -f file',
    "cookie-prose": "Cookie: theme=dark; the cookie: a=b",
    "auth-type": "auth: Optional[str] = None, auth: Callable, auth=username",
    "authorization-prose": "Authorization: required-for-everyone; authorization = build_authorization_header(2)",
    "type-name": '"AWS::SecretsManager::Secret": "141e19f3841b50f5"',
    "certificate": "    client-certificate: abcdef1234567890\n",
    "client-key": 'client_key = "abcdef1234"',
    "path": 'token_file = "/var/run/secrets/kubernetes.io/token1"; token = "/Users/Me/Projects/Token1/file"',
    "call": 'password = "get_password1(user)"; TOKEN=make_token1(x)',
    "markup": "<code>TOKEN=abcd12345</code>",
    "pem-public": "-----BEGIN " + "PUBLIC KEY-----\n" + PEM[0] + "\n-----END " + "PUBLIC KEY-----",
    "pem-variable": 'pem = "-----BEGIN ' + 'PRIVATE KEY-----\\n" + base64EncodedKeyMaterialOfTheUser + "\\n"',
    "pem-talk": "'-----BEGIN " + "PRIVATE KEY-----' and '-----END " + "PRIVATE KEY-----'",
    "base64": base64.b64encode(bytes(range(256)) * 40).decode(),
}
"""What only looks like one."""
