/** What stands for what does not leave the cluster; that something was there is left to see. The server's own redaction writes the same. */
export const DROPPED = '[dropped]';

/**
 * The name of a flag. After one dash it is a letter: what follows may be its value (`mysql -phunter2`). Or it is what a check looks for: words that end with a secret's name, as
 * programs in Go have it, and the levels of loggers in Java.
 */
const FLAG = String.raw`--[A-Za-z][\w.-]{0,127}|-[A-Za-z]|-(?:[A-Za-z][\w.-]{0,100})?(?:[Pp]assword|[Pp]asswd|[Pp]assphrase|[Ss]ecret|[Kk]ey|[Tt]oken)|-D?logging\.level\.[\w.]{0,100}`;
const NAME_OF_FLAG = new RegExp(`^(?:${FLAG})(?==)`);
const SECRET_FLAG = /(?:passw(?:or)?d|passphrase|secret|key|token|pwd|pin)(?:=|$)/i;

/** Switches, levels of logs and settings of TLS: few have them for a password, and checks ask for them. */
const LEVEL = 'trace|debug|info|warn|warning|error|fatal|all|off|[0-9]{1,2}';
const SETTING = `true|false|VersionTLS1[0-3]|TLS_[A-Z0-9_,]{1,2000}|${LEVEL}`;
const HARMLESS_FLAG = new RegExp(`^(?:${FLAG})(?:=(?:${SETTING}|${LEVEL.toUpperCase()}))?$`);
const SWITCH = new RegExp(`^(?:${FLAG})(?:=(?:true|false))?$`);
/** A word by itself: the value of a flag before it, or what a program is told to do. */
const HARMLESS_WORD = new RegExp(`^(?:true|false|${LEVEL}|${LEVEL.toUpperCase()}|snapshot|save)$`);

/**
 * What checks look for in the lines of shells, of which nothing else leaves: without it they would pass (container-starts-no-sudo-no-sshd, phi-workload-not-verbose), or find no backup
 * (etcd-snapshot-job-succeeded). A test holds this to all checks.
 */
const TELLING = new RegExp(
  [
    String.raw`(?<=^|[\s/;&|(])(?:sudo|sshd|dropbear)(?=$|[\s;&|)])`,
    String.raw`(?<=^|\s)--?(?:log[-_.]?level|logging[-_.]?level[a-z.]{0,100}|verbosity)[= ](?:debug|trace|all)(?=\s|$)`,
    String.raw`(?<=^|\s)--?(?:debug|trace)(?:=true)?(?=\s|$)`,
    String.raw`(?<=^|\s)-D?logging\.level\.[a-z0-9_.]{0,100}=(?:debug|trace)(?=\s|$)`,
    String.raw`(?<=^|\s)--?v[= ](?:[6-9]|10)(?=\s|$)`,
    String.raw`etcdbrctl\s{1,8}snapshot|cluster-backup\.sh`,
  ].join('|'),
  'gi',
);
const SAVES_ETCD = /etcdctl(?=\s)/;
const SNAPSHOT = /snapshot\s{1,8}save/;

/** A word of a command line without what may be a secret: names of flags and harmless settings stay, and of any other text what a check looks for. */
export function stripWord(word: string): string {
  if (HARMLESS_WORD.test(word) || (SECRET_FLAG.test(word) ? SWITCH : HARMLESS_FLAG).test(word)) return word;
  const telling = word.match(TELLING) ?? [];
  const at = word.search(SAVES_ETCD);
  const saving = at !== -1 && SNAPSHOT.test(word.slice(at)) ? ['etcdctl snapshot save'] : [];
  return [dropValue(word), ...telling, ...saving].join(' ');
}

/** `--flag=[dropped]`, or nothing but that something was there. */
export function dropValue(word: string): string {
  const flag = NAME_OF_FLAG.exec(word)?.[0];
  return flag === undefined ? DROPPED : `${flag}=${DROPPED}`;
}
