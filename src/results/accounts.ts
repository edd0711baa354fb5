import { Injectable } from '@nestjs/common';
import { Accounts } from '../audit/accounts.js';
import { derivedAccount } from '../audit/derived-account.js';
import { AccountsStore } from './accounts.store.js';

const OF_SYSTEMS = { kind: 'system', objects: 'system' } as const;

/** Targets, sightings and what was lost between them follow from what scans have covered. */
@Injectable()
export class ResultAccounts {
  constructor(accounts: Accounts, store: AccountsStore) {
    accounts.add(
      derivedAccount({ ...OF_SYSTEMS, table: 'target', ...store.targets }),
      derivedAccount({ ...OF_SYSTEMS, table: 'sighting', ...store.sightings }),
      derivedAccount({ ...OF_SYSTEMS, table: 'sighting_loss', ...store.losses }),
    );
  }
}
