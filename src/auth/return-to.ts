const MAX_LENGTH = 2_000;

/** Where the browser goes after the login: a path of this service, never another site. Anything else becomes the start page. */
export function returnPath(asked: string | undefined, publicUrl: string): string {
  const { origin } = new URL(publicUrl);
  if (asked === undefined || asked.length > MAX_LENGTH || !asked.startsWith('/') || !URL.canParse(asked, origin))
    return '/';
  const url = new URL(asked, origin);
  // «//host», «/\host» and their kin are parsed as browsers parse them, and come out as another origin.
  if (url.origin !== origin) return '/';
  const path = url.pathname + url.search + url.hash;
  return path.startsWith('//') ? '/' : path;
}
