"""What attackers type: texts that do harm where somebody forgot that they are only texts."""

from __future__ import annotations

#: A product that nobody writes: where its result shows up, a text was run as code.
FACTORS = (48_271, 69_621)
PRODUCT = str(FACTORS[0] * FACTORS[1])
_SUM = f"{FACTORS[0]}*{FACTORS[1]}"
#: What a stored script would call; nothing of ours is called that.
MARK = "zqinjected"

SQL = [
    "'",
    '"',
    "' OR '1'='1",
    '" OR ""="',
    "' OR 1=1 --",
    "x') OR ('1'='1",
    "1; DROP TABLE core_customer; --",
    "Robert'); DELETE FROM core_customer;--",
    "' UNION SELECT password_hash FROM core_account --",
    "' UNION SELECT id, digest, NULL FROM core_session --",
    f"' || ({_SUM}) || '",
    f"1 AND 1=CAST(({_SUM}) AS int)",
    "'; SELECT pg_sleep(9); --",
    "' AND 1=randomblob(500000000) --",
    "'; ATTACH DATABASE '/tmp/zq.db' AS zq; --",
    "'; COPY core_account TO PROGRAM 'id'; --",
    "-created_at; DELETE FROM core_event",
    "created_at DESC, (SELECT password_hash FROM core_account LIMIT 1)",
    "%' ESCAPE '",
    "%%%",
    "_%_",
    "\\",
    "\\'",
    "$1",
    "?",
    "?1",
    ":id",
    "{}",
    "/* ",
    "NULL",
    "\u02bc OR 1=1",
]
TEMPLATE = [
    "{{ " + _SUM + " }}",
    "${" + _SUM + "}",
    "#{" + _SUM + "}",
    "<%= " + _SUM + " %>",
    "{% for i in range(9) %}x{% endfor %}",
    "{{ config.items() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read() }}",
    "%(name)s %s %d",
    "{0.__class__}",
    "{name!r}",
    "$name ${name}",
    "T(java.lang.Runtime).getRuntime()",
]
SCRIPT = [
    f"<script>{MARK}()</script>",
    f"</script><script>{MARK}()</script>",
    f'"><img src=x onerror={MARK}()>',
    f"' autofocus onfocus='{MARK}()",
    f'" autofocus onfocus="{MARK}()',
    f"<svg onload={MARK}()>",
    f"</title><script>{MARK}()</script>",
    f"</textarea><script>{MARK}()</script>",
    f"<iframe srcdoc='<script>{MARK}()</script>'>",
    f"javascript:{MARK}()",
    f"JaVaScRiPt:{MARK}()",
    f"java\tscript:{MARK}()",
    f"data:text/html,<script>{MARK}()</script>",
    f"<a href=javascript:{MARK}()>x</a>",
    f"<style>@import '//{MARK}.example'</style>",
    f"<base href=//{MARK}.example>",
    f"<meta http-equiv=refresh content=0;url=//{MARK}.example>",
    f"<form action=//{MARK}.example><input name=x>",
    f"<!--{MARK}-->",
    f"&lt;script&gt;{MARK}()",
    f"\u003cscript\u003e{MARK}()",
    f"<ſcript>{MARK}()</ſcript>",
    f"＜script＞{MARK}()＜/script＞",
]
FORMULA = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://zq.example","x")',
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "＝1+1",
    '=IMPORTXML("http://zq.example","//a")',
]
LINES = [
    f"x\r\nSet-Cookie: {MARK}=1",
    f"x\nSet-Cookie: {MARK}=1",
    f"x\r\n\r\n<script>{MARK}()</script>",
    f"x%0d%0aSet-Cookie: {MARK}=1",
    f"x\u2028{MARK}",
    f"x\u0085{MARK}",
    "a\0b",
    "\x1b[31m",
]
PATH = [
    "../../../../etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "....//....//etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%252f..%252fetc%252fpasswd",
    "/etc/passwd",
    "file:///etc/passwd",
    "//zq.example/x",
    "https://zq.example/",
    "/\\zq.example",
    "keys.toml",
    "../keys.toml",
    "..%2fkeys.toml",
    "con",
    "x" * 5_000,
]
UNICODE = [
    "Nguyễn Thị Ánh Tuyết",
    "Nguye\u0302\u0303n Thi\u0323",
    "ذات العلاقة",
    "\u202egnp.exe",
    "a\u200bb\u200cc\ufeff",
    "🙂" * 40,
    "a" + "\u0301" * 200,
    "İıſß",
    "\ud83d\ude00",
    "\ufffe\uffff",
    "𝒩𝑜𝓇𝓂𝒶𝓁",
    "ﷺ" * 30,
]

KINDS = {
    "sql": SQL,
    "template": TEMPLATE,
    "script": SCRIPT,
    "formula": FORMULA,
    "lines": LINES,
    "path": PATH,
    "unicode": UNICODE,
}
ALL = [text for texts in KINDS.values() for text in texts]
