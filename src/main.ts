import 'reflect-metadata';
import { once } from 'node:events';
import { parse as parseQuery } from 'node:querystring';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import type pg from 'pg';
import { pino, type Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { sessionMiddleware } from './auth/session.js';
import { environment, loadConfig, type Config } from './config.js';
import { assertFit } from './kernel/db/fitness.js';
import { DATA_SOURCE } from './kernel/db/database.js';
import { POOL } from './kernel/kernel.module.js';
import { answerClientError } from './kernel/http/client-error.js';
import { requestLog } from './kernel/http/request-log.js';
import { releaseMemory } from './kernel/memory.js';
import { NestLog } from './kernel/nest-log.js';

/** Requests that are under way when the program is told to stop have this long to end, in milliseconds. */
const GRACE = 20_000;

/**
 * Milliseconds in which a request has to come whole. Node's own five minutes cut off every 500 MB report from a line below 14 Mbit/s, whenever it is posted; who has been let in and then says
 * nothing is cut off far earlier (`maxSilence`).
 */
const REQUEST_TIMEOUT = 3_600_000;

/** The whole program on an open database, ready to listen. */
export async function createApp(config: Config, logger: Logger): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config, logger), {
    bodyParser: false,
    logger: new NestLog(logger),
    abortOnError: false,
  });
  try {
    await assertFit(app.get<DataSource>(DATA_SOURCE));
    app.disable('x-powered-by');
    // Node's own parser, without its habit of dropping what comes after a thousand parameters: the head's length bounds them.
    app.set('query parser', (text: string) => parseQuery(text, '&', '=', { maxKeys: 0 }));
    // Our own ETags are versions and digests; a digest of every answer would only cost.
    app.set('etag', false);
    app.use(requestLog(logger));
    app.use(helmet({ strictTransportSecurity: config.auth.publicUrl.startsWith('https:') }));
    app.use(sessionMiddleware(config.auth, app.get<pg.Pool>(POOL), logger));
    const server = app.getHttpServer();
    server.on('clientError', answerClientError);
    server.requestTimeout = REQUEST_TIMEOUT;
    await app.init();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** `safeguard serve`: production with DATABASE_URL; without it, and outside production, everything is brought along for trying out. */
export async function serve(): Promise<void> {
  const own = environment();
  const development =
    isSet(own['DATABASE_URL']) || isSet(own['DATABASE_URL_FILE']) || own['NODE_ENV'] === 'production'
      ? null
      : await (await import('./development/environment.js')).startEnvironment(own);
  try {
    const config = loadConfig(development === null ? own : { ...own, ...development.variables });
    const logger = pino({ level: config.logLevel, base: null });
    const app = await createApp(config, logger);
    const stop = stopper(app, logger, async () => development?.stop());
    await listen(app, config);
    releaseMemory();
    logger.info({ host: config.host, port: config.port }, 'serving');
    if (development !== null) {
      development.lost.then(
        () => stop(1),
        () => stop(1),
      );
      await development.welcome();
    }
  } catch (error) {
    await development?.stop();
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    // Not only an exit code: what was opened before the fault would keep the process alive, listening to nobody.
    process.exit(1);
  }
}

async function listen(app: NestExpressApplication, { host, port }: Config): Promise<void> {
  const server = app.getHttpServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    await app.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} on ${host} is taken by another program. Stop it, or choose another: PORT=8081.`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** One orderly end, whatever asks for it: the jobs under way finish, then no new requests are taken and those under way finish, then the database and what was brought along. */
function stopper(app: NestExpressApplication, logger: Logger, after: () => Promise<void>): (code: number) => void {
  let stopping = false;
  const stop = (code: number): void => {
    if (stopping) return;
    stopping = true;
    logger.info('stopping');
    setTimeout(() => process.exit(1), GRACE).unref();
    app
      .close()
      .then(after)
      .then(
        () => process.exit(code),
        () => process.exit(1),
      );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(0));
  return stop;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
