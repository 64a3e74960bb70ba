"""Logs in to Tiny Tiny RSS over TLS that is verified, as a browser does, and says whether it let one in. Password on standard input.

usage: ttrss.py URL CA      URL is https://HOST/, CA the certificates to trust, PEM
"""
import http.cookiejar
import ssl
import sys
import urllib.parse
import urllib.request

url, ca = sys.argv[1:]
browser = urllib.request.build_opener(
    urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=ca)),
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


class Stay(urllib.request.HTTPRedirectHandler):
    """The application sends a browser to its public address, which this pod need not know."""

    def redirect_request(self, *_):
        return None


browser.add_handler(Stay())
form = {'op': 'login', 'login': 'admin', 'password': sys.stdin.readline().rstrip('\n')}
try:
    browser.open(url + 'public.php', urllib.parse.urlencode(form).encode(), timeout=30)
except urllib.error.HTTPError as error:
    if error.code != 302:
        raise
page = browser.open(url, timeout=30).read().decode()
print('admin' if 'ttrss_main' in page else 'not logged in')
