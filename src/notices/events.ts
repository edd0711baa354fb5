/** What an organisation can be told of, each by name. A new one needs a line here, and whoever makes it. */
export const NOTICE_TYPES = {
  'control.status-changed':
    'The status of an item of the law, or of one that an overlay proposes, is another than when it was last looked at.',
  'record.expiring': 'What records evidence ends within 90, 60, 30 or 7 days, by their age or by a date in them.',
  'record.expired': 'What records evidenced has ended by their age or by a date in them.',
  'agreement.ending': 'An agreement with a vendor ends within 90, 60, 30 or 7 days.',
  'agreement.ended': 'An agreement with a vendor has ended, and nothing carries it on or shows what became of its PHI.',
  'work.due': 'What a record, a key or a treatment makes due has to be done within 90, 60, 30 or 7 days.',
  'key.overdue': 'A key was not rotated when it had to be.',
  'scan.stopped': 'No complete scan of a source has come from a system for longer than what it evidences stays fresh.',
  'record.submitted': 'Versions of records wait for a decision, and one has come since it was last looked at.',
  'row.altered':
    'Rows of the database are not what the log says, or what they follow from: somebody has changed them past the service.',
  'import.finished': 'A table was imported, or refused.',
} as const;
export type NoticeType = keyof typeof NOTICE_TYPES;
export const NOTICE_TYPE_NAMES = Object.keys(NOTICE_TYPES) as [NoticeType, ...NoticeType[]];

/** Something that happened, to be told once. */
export interface Notice {
  /** Made of what is told, so that it is told once however often it is found. */
  id: string;
  type: NoticeType;
  /** What it is about: `controls/164.312(b)`, `records/<id>`, … relative to the organisation. */
  subject: string;
  /** When it was so. */
  at: Date;
  /** Ids, types, statuses and instants: no names of people, no titles, no free text of anybody. */
  data: Readonly<Record<string, NoticeValue>>;
}

export type NoticeValue = string | number | boolean | null | readonly string[];
