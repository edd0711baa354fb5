/**
 * C2SP tlog-policy of the anchor log, for whoever verifies offline: the log, its witnesses, and that a cosignature of any of them is asked for. An auditor who trusts a
 * certain one asks for that one.
 */
export function policy(log: string, witnesses: readonly { vkey: string; url: string }[]): string {
  const names = witnesses.map((_, at) => `w${at + 1}`);
  const lines = [
    `log ${log}`,
    ...witnesses.map(({ vkey, url }, at) => `witness w${at + 1} ${vkey} ${url}`),
    ...(names.length === 0 ? ['quorum none'] : [`group witnesses any ${names.join(' ')}`, 'quorum witnesses']),
  ];
  return `${lines.join('\n')}\n`;
}
