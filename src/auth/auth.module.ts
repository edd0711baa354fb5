import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import passport from 'passport';
import { EngagementsModule } from '../engagements/engagements.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { AuthGuard } from './auth.guard.js';
import { AuthenticationService } from './authentication.service.js';
import { AUTHENTICATOR } from './authenticator.js';
import { BearerStrategy } from './bearer.strategy.js';
import { LoginController } from './login.controller.js';
import { MeController } from './me.controller.js';
import { SessionStrategy } from './session.strategy.js';
import { SignInService } from './sign-in.js';

/** Guards every route of the application. Needs AUTH_CONFIG from a global module. */
@Module({
  imports: [OrganizationsModule, EngagementsModule],
  controllers: [LoginController, MeController],
  providers: [
    { provide: AUTHENTICATOR, useFactory: () => new passport.Passport() },
    AuthenticationService,
    BearerStrategy,
    SessionStrategy,
    SignInService,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
})
export class AuthModule {}
