import { whatIs, type ProviderUser } from './provider-users.js';

/** The pages of the development provider: no script, nothing from elsewhere, usable by keyboard and screen reader. */
const STYLE = `
  body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
  .warning { border: 4px solid #b00020; padding: .75rem 1rem; font-size: 1.5rem; font-weight: 700; color: #b00020 }
  button, input { font: inherit; padding: .6rem 1rem }
  button { display: block; width: 100%; margin: .5rem 0; text-align: left; border: 2px solid #1a1a1a; border-radius: .4rem; background: #fff; color: inherit; cursor: pointer }
  button:hover, button:focus-visible { background: #eaf2ff; outline: 3px solid #0b57d0 }
  code { font-size: 1.5rem; letter-spacing: .1em }`;

/** Headers for every page here. Forms lead back to the client's own address, so form-action cannot be closed. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** `body` is HTML; everything foreign in it is escaped by whoever makes it. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main>
<p class="warning">DEVELOPMENT LOGIN. NO PASSWORD IS ASKED. NEVER USE THIS FOR REAL DATA.</p>
<h1>${escapeHtml(title)}</h1>
${body}
</main></body></html>`;
}

export function loginPage(action: string, users: readonly ProviderUser[], message = ''): string {
  const buttons = users.map(
    (user) =>
      `<button name="user" value="${escapeHtml(user.subject)}">${escapeHtml(user.name)}<br><small>${escapeHtml(whatIs(user))}</small></button>`,
  );
  const alert = message && `<p role="alert">${escapeHtml(message)}</p>`;
  return page(
    'Who are you?',
    `${alert}<form method="post" action="${escapeHtml(action)}">${buttons.join('\n')}</form>`,
  );
}

/** `form` is the provider's own form with its hidden fields. */
export const codeInputPage = (form: string, message = ''): string =>
  page(
    'Connect a device',
    `<p ${message ? 'role="alert"' : ''}>${escapeHtml(message || 'Type the code that the command line shows.')}</p>
<label for="op.deviceInputForm">Code</label> ${form}
<button form="op.deviceInputForm">Continue</button>`,
  );

export const codeConfirmPage = (form: string, client: string, code: string): string =>
  page(
    'Connect a device',
    `<p>${escapeHtml(client)} wants to act for you. Go on only if it shows this code:</p><p><code>${escapeHtml(code)}</code></p>
${form}<button form="op.deviceConfirmForm">Yes, it shows this code</button>
<button form="op.deviceConfirmForm" name="abort" value="yes">No, stop</button>`,
  );

export const signedInPage = (): string =>
  page('Done', '<p>You can close this page and return to the command line.</p>');
