import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnchorConfig } from '../../src/audit/anchor/anchor.config.js';
import { DirectoryCopies } from '../../src/audit/anchor/directory-copies.js';
import { verifierKey } from '../../src/audit/note.js';
import { anchorOrigin } from '../../src/audit/origin.js';
import { TimeStampAuthority } from '../../src/kernel/crypto/time-stamp/authority.js';
import { backup, HOST, prepareAnchors, type AnchorGround } from './anchors.js';
import { serveTimeStamps, type ServedAuthority } from './time-stamp-authority.js';
import { startWitness, type TestWitness } from './witness.js';

/** Those outside, to whom heads of the anchor log go: two witnesses, an authority, and a directory of copies. */
export interface Outside {
  ground: AnchorGround;
  witness: TestWitness;
  other: TestWitness;
  authority: ServedAuthority;
  /** That of the copies, of one test. */
  directory: string;
  witnesses: () => AnchorConfig['witnesses'];
  stamps: () => TimeStampAuthority;
  copies: () => Promise<DirectoryCopies>;
  /** Before each test: nobody has seen anything. */
  forget: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startOutside(): Promise<Outside> {
  const root = await mkdtemp(join(tmpdir(), 'safeguard-anchor-'));
  const ground = await prepareAnchors(root);
  const empty = await backup(ground.admin);
  const witness = await startWitness('witness.example/w1');
  const other = await startWitness('witness.example/w2');
  const authority = await serveTimeStamps();
  const both = [witness, other];
  const outside: Outside = {
    ...{ ground, witness, other, authority },
    directory: root,
    witnesses: () => both.map(({ url, key }) => ({ url, key })),
    stamps: () => new TimeStampAuthority({ url: authority.url, chain: authority.chain }),
    copies: () => DirectoryCopies.open(outside.directory),
    forget: async () => {
      outside.directory = await mkdtemp(join(root, 'copies-'));
      await empty();
      ground.later.by = 0;
      ground.logs.length = 0;
      for (const each of both) {
        each.seen.clear();
        each.answering = null;
        for (const generation of [1, 2]) {
          const origin = anchorOrigin(HOST, generation);
          each.logs.set(origin, verifierKey(origin, ground.keys.log.publicKey));
        }
      }
      authority.answering.status = 200;
    },
    stop: async () => {
      await Promise.all([...both, authority, ground].map(({ stop }) => stop()));
      await rm(root, { recursive: true, force: true });
    },
  };
  return outside;
}
