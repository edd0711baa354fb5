import type { AnchorFiles } from '../audit/anchor/anchor.service.js';
import type { OutgoingFile } from './bag.js';

/** What shows the package's log to be under a head that others have seen; of no anchored log nothing. All of it is of the making: others say when. */
export function anchorFiles(anchors: AnchorFiles | null): OutgoingFile[] {
  if (anchors === null) return [];
  return [
    { path: 'anchor/checkpoint', content: [anchors.checkpoint] },
    ...(anchors.timeStamp === null ? [] : [{ path: 'anchor/checkpoint.tsr', content: [anchors.timeStamp] }]),
    { path: 'anchor/policy.txt', content: [Buffer.from(anchors.policy, 'utf8')] },
    { path: 'anchor/tenant-checkpoint', content: [anchors.tenantCheckpoint] },
    { path: 'anchor/tenant-checkpoint.tlog-proof', content: [anchors.proof] },
  ];
}

/** The keys that they verify by, beside those of the log: one vkey without an end of line, and of witnesses one a line. */
export function anchorKeyFiles(anchors: AnchorFiles | null): { path: string; content: Buffer }[] {
  if (anchors === null) return [];
  const witnesses = anchors.witnesses.map((vkey) => `${vkey}\n`).join('');
  return [
    { path: 'anchor.vkey', content: Buffer.from(anchors.key, 'utf8') },
    ...(witnesses === '' ? [] : [{ path: 'witnesses.vkey', content: Buffer.from(witnesses, 'utf8') }]),
  ];
}
