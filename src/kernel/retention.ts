/** 45 CFR 164.316(b)(2)(i): six years from creation, or from when last in effect. */
const RETENTION_YEARS = 6;

/** Until when what is created now is kept at least. The later end of the law is set by what a document is used for, and only ever extends this one. */
export function retentionEnd(from: Date): Date {
  const end = new Date(from);
  end.setUTCFullYear(end.getUTCFullYear() + RETENTION_YEARS);
  return end;
}
