import { Injectable } from '@nestjs/common';
import { comparisonOf, type Account, type Comparison } from './account.js';

/** What rooms say of their rows: that these follow from events, or from other rows. Each room adds its own, whatever is built on it. */
@Injectable()
export class Accounts {
  private readonly added: Comparison[] = [];

  add(...accounts: readonly Account[]): void {
    this.added.push(...accounts.map(comparisonOf));
  }

  get comparisons(): readonly Comparison[] {
    return this.added;
  }
}
