import { parse } from 'yaml';
import { z } from 'zod';
import type { TimeStampAuthority } from '../../kernel/crypto/time-stamp/authority.js';
import { NoteError, parseVerifierKey } from '../note.js';
import type { Copies } from './copies.js';
import type { Witness } from './witness.js';

/** What the room needs of the configuration; src/app.module.ts provides it under ANCHOR_CONFIG. */
export interface AnchorConfig {
  /** Of PUBLIC_URL, with its port where it has one: the first part of every log's origin. */
  readonly host: string;
  /** Milliseconds after which what is new goes out. */
  readonly interval: number;
  readonly witnesses: readonly Witness[];
  /** Null where none is asked. */
  readonly authority: TimeStampAuthority | null;
  /** Null where no copies are kept. */
  readonly copies: Copies | null;
}

export const ANCHOR_CONFIG = Symbol('anchor config');

/** Where copies lie. */
export type CopiesAt =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string; readonly endpoint?: string };

/** The same as it is written down, before anything is opened. */
export interface AnchorSettings extends Pick<AnchorConfig, 'host' | 'interval' | 'witnesses'> {
  readonly copies: CopiesAt | null;
}

/** No log needs more, and each is asked each time. */
const MAX_WITNESSES = 16;

const witnessList = z
  .array(z.strictObject({ url: z.url({ protocol: /^https?$/ }), vkey: z.string() }))
  .min(1)
  .max(MAX_WITNESSES);

/** Reads ANCHOR_WITNESSES and ANCHOR_STORE; gives what is wrong in words, by the variable. */
export function anchorSettings(given: {
  host: string;
  intervalSeconds: number;
  witnesses: string | undefined;
  store: string | undefined;
}): AnchorSettings | { fault: string } {
  const witnesses = given.witnesses === undefined ? [] : witnessesOf(given.witnesses);
  if (typeof witnesses === 'string') return { fault: `ANCHOR_WITNESSES: ${witnesses}` };
  const copies = given.store === undefined ? null : copiesAt(given.store);
  if (typeof copies === 'string') return { fault: `ANCHOR_STORE: ${copies}` };
  return { host: given.host, interval: given.intervalSeconds * 1_000, witnesses, copies };
}

function witnessesOf(text: string): Witness[] | string {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return 'neither JSON nor YAML';
  }
  const list = witnessList.safeParse(document);
  if (!list.success) return `a list of 1 to ${MAX_WITNESSES} with «url» and «vkey» each`;
  const witnesses: Witness[] = [];
  for (const { url, vkey } of list.data) {
    try {
      const key = parseVerifierKey(vkey);
      if (key.type !== 'cosignature')
        return `the vkey of ${key.name} is of a log, not of a witness (its type is not 4)`;
      if (witnesses.some((other) => other.key.name === key.name)) return `${key.name} is named twice`;
      witnesses.push({ url: url.replace(/\/+$/, ''), key });
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      return `the vkey of ${url}: ${error.message}`;
    }
  }
  return witnesses;
}

const COPIES_FORM = '«file:» and an absolute path, or «s3://BUCKET/PREFIX», perhaps with «?endpoint=URL»';

function copiesAt(text: string): CopiesAt | string {
  const url = URL.parse(text);
  if (url?.protocol === 'file:' && url.host === '' && url.search === '') {
    try {
      return { kind: 'directory', path: decodeURIComponent(url.pathname) };
    } catch {
      return COPIES_FORM;
    }
  }
  if (url?.protocol !== 's3:' || url.host === '') return COPIES_FORM;
  const { endpoint, ...unknown } = Object.fromEntries(url.searchParams);
  if (Object.keys(unknown).length > 0 || (endpoint !== undefined && !URL.canParse(endpoint))) return COPIES_FORM;
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  return {
    kind: 's3',
    bucket: url.host,
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}
