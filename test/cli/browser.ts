/** A browser of the simplest kind: follows redirects, keeps cookies by path, and submits the one form of each page. */
export async function browse(start: string, fields: Record<string, string>): Promise<void> {
  const cookies = new Map<string, string>();
  let address = new URL(start);
  let form: URLSearchParams | null = null;
  for (let page = 0; page < 20; page += 1) {
    const response: Response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === null ? {} : { method: 'POST', body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = (cookie.split(';')[0] ?? '').split('=');
      if (name === undefined) continue;
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    form = null;
    const location = response.headers.get('location');
    const html = await response.text();
    if (location !== null) {
      address = new URL(location, address);
      continue;
    }
    if (!response.ok) throw new Error(`${address.href} answers ${response.status}: ${html.slice(0, 2_000)}`);
    const found = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(html);
    if (found === null) return;
    address = new URL((found[1] ?? '').replaceAll('&amp;', '&'), address);
    form = new URLSearchParams(fields);
    for (const [input] of (found[2] ?? '').matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      form.set(/name="([^"]*)"/.exec(input)?.[1] ?? '', /value="([^"]*)"/.exec(input)?.[1] ?? '');
    }
  }
  throw new Error('the login does not come to an end');
}
