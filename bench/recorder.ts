import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What a client sent to Postgres at once: a statement, the values of its parameters, and what was copied in. */
export interface Statement {
  text: string;
  /** Of one that the connection prepared once; '' of others. */
  name: string;
  values: (string | Buffer | null)[];
  /** COPY … FROM STDIN. */
  copied: Buffer[] | null;
}

/** The statements of one transaction, in order; of one that stood alone, itself. */
export type Transaction = Statement[];

/**
 * Stands between the product and Postgres, and writes down what the product sends: so its SQL is known as it is today, whoever wrote it, with its values and rows.
 * It reads what passes in either direction (PostgreSQL documentation, «Message Formats») and changes none of it.
 */
export class Recorder {
  private transactions: Transaction[] = [];

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    private readonly applicationName: string,
  ) {}

  /** Records the connections of one application; its other connections (a queue's polling) pass unread. */
  static async start(postgresPort: number, applicationName: string): Promise<Recorder> {
    const server = createServer();
    const recorder = new Recorder(server, applicationName);
    server.on('connection', (client) => recorder.pass(client, connect(postgresPort, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return recorder;
  }

  /** The way to the same database through here. */
  url(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** What was recorded since the last time, transactions in the order in which they began. */
  take(): Transaction[] {
    const taken = this.transactions;
    this.transactions = [];
    return taken;
  }

  /** Connections that are open pass on until their ends close them. */
  async stop(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }

  private pass(client: Socket, postgres: Socket): void {
    const connection = new Connection(this.applicationName, (transaction) => this.transactions.push(transaction));
    client.on('data', (bytes) => connection.fromClient(bytes));
    postgres.on('data', (bytes) => connection.fromPostgres(bytes));
    for (const [from, to] of [
      [client, postgres],
      [postgres, client],
    ] as const) {
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  }
}

/** Cuts bytes as they come into messages: a type, a length, a body. */
class Messages {
  private unread: Buffer = Buffer.alloc(0);

  /** @param startsUntyped the first message of a client has no type. */
  constructor(private startsUntyped: boolean) {}

  *push(bytes: Buffer): Generator<{ type: string | null; body: Buffer }> {
    this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes]);
    for (;;) {
      const head = this.startsUntyped ? 0 : 1;
      if (this.unread.length < head + 4) return;
      const end = head + this.unread.readInt32BE(head);
      if (this.unread.length < end) return;
      const type = head === 0 ? null : String.fromCharCode(this.unread[0] ?? 0);
      const body = this.unread.subarray(head + 4, end);
      this.unread = this.unread.subarray(end);
      this.startsUntyped = false;
      yield { type, body };
    }
  }
}

const IDLE = 'I';

class Connection {
  private readonly client = new Messages(true);
  private readonly postgres = new Messages(false);
  private isRecorded = true;
  /** Texts of prepared statements, by name; the unnamed one is ''. */
  private readonly prepared = new Map<string, string>();
  private open: Transaction | null = null;
  private last: Statement | null = null;

  constructor(
    private readonly applicationName: string,
    private readonly begun: (transaction: Transaction) => void,
  ) {}

  fromClient(bytes: Buffer): void {
    if (!this.isRecorded) return;
    for (const { type, body } of this.client.push(bytes)) {
      if (type === null) this.isRecorded = parameters(body).get('application_name') === this.applicationName;
      else if (this.isRecorded) this.message(type, body);
    }
  }

  /** Postgres says after each answer whether a transaction is open (ReadyForQuery): no SQL has to be understood for it. */
  fromPostgres(bytes: Buffer): void {
    if (!this.isRecorded) return;
    for (const { type, body } of this.postgres.push(bytes)) {
      if (type === 'Z' && body.toString('latin1') === IDLE) this.open = null;
    }
  }

  private message(type: string, body: Buffer): void {
    const fields = new Fields(body);
    switch (type) {
      case 'Q':
        this.add({ text: fields.text(), name: '', values: [], copied: null });
        break;
      case 'P':
        this.prepared.set(fields.text(), fields.text());
        break;
      case 'B': {
        fields.text();
        const name = fields.text();
        const text = this.prepared.get(name);
        if (text === undefined) throw new Error('a statement was bound that was not prepared');
        this.add({ text, name, values: fields.values(), copied: null });
        break;
      }
      case 'd':
        if (this.last !== null) (this.last.copied ??= []).push(Buffer.from(body));
        break;
      case 'c':
        // Nothing may have been copied, and still it was a COPY.
        if (this.last !== null) this.last.copied ??= [];
        break;
      default:
      // Describe, Execute, Sync, passwords: nothing that a statement says.
    }
  }

  private add(statement: Statement): void {
    this.last = statement;
    if (this.open === null) {
      this.open = [];
      this.begun(this.open);
    }
    this.open.push(statement);
  }
}

/** Of a StartupMessage: names and values in turn, behind the version. */
function parameters(body: Buffer): Map<string, string> {
  const texts = body.toString('utf8', 4).split('\0');
  return new Map(texts.flatMap((text, index) => (index % 2 === 0 ? [[text, texts[index + 1] ?? ''] as const] : [])));
}

class Fields {
  private at = 0;

  constructor(private readonly body: Buffer) {}

  text(): string {
    const end = this.body.indexOf(0, this.at);
    const text = this.body.toString('utf8', this.at, end);
    this.at = end + 1;
    return text;
  }

  /** Of a Bind message: formats (none: all are text; one: of all), then values. */
  values(): Statement['values'] {
    const formats = Array.from({ length: this.int16() }, () => this.int16());
    return Array.from({ length: this.int16() }, (_, index) => {
      const length = this.int32();
      if (length === -1) return null;
      const bytes = this.body.subarray(this.at, this.at + length);
      this.at += length;
      const format = formats.length === 1 ? formats[0] : formats[index];
      return format === 1 ? Buffer.from(bytes) : bytes.toString('utf8');
    });
  }

  private int16(): number {
    this.at += 2;
    return this.body.readInt16BE(this.at - 2);
  }

  private int32(): number {
    this.at += 4;
    return this.body.readInt32BE(this.at - 4);
  }
}
