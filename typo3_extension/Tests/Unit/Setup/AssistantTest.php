<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Setup;

use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Admin\Trouble;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Setup\Assistant;
use Mieterportal\Typo3\Setup\Finding;
use Mieterportal\Typo3\Setup\SiteFacts;
use Mieterportal\Typo3\Setup\State;
use Mieterportal\Typo3\Setup\Step;
use Mieterportal\Typo3\Tests\Support\FarSide;
use Mieterportal\Typo3\Tests\Support\Samples;
use PHPUnit\Framework\TestCase;

final class AssistantTest extends TestCase
{
    /**
     * @param array<string, Answer|NoAnswer|\Closure> $answers
     * @return array<string, Finding> by step
     */
    private function found(array $answers = [], ?SiteFacts $facts = null, int $now = Samples::NOW): array
    {
        $far = new FarSide($answers + [
            '/sso/website' => Samples::door(),
            '/admin/version' => Samples::version(),
            'www.example.de/mieterportal' => Samples::page(),
        ]);
        $assistant = new Assistant($far, new Claims('be_users:1', 'session'), static fn(): int => $now);
        $findings = [];
        foreach ($assistant->examine($facts ?? Samples::facts()) as $finding) {
            $findings[$finding->step->value] = $finding;
        }

        return $findings;
    }

    /**
     * @param array<string, Finding> $found
     * @return list<string>
     */
    private function notGood(array $found): array
    {
        $open = array_filter($found, static fn(Finding $one): bool => $one->state !== State::Good);

        return array_values(array_map(static fn(Finding $one): string => $one->step->value . ' ' . $one->outcome, $open));
    }

    public function testWhereAllFitsEveryStepIsGreenInItsOrder(): void
    {
        $found = $this->found();
        self::assertSame(array_map(static fn(Step $step): string => $step->value, Step::cases()), array_keys($found));
        self::assertSame([], $this->notGood($found));
    }

    public function testEveryFaultOfTheWayToThePortalIsToldApart(): void
    {
        foreach ([Trouble::Name, Trouble::Connection, Trouble::Timeout, Trouble::Certificate, Trouble::HostNotAllowed] as $trouble) {
            $found = $this->found(['/sso/website' => new NoAnswer($trouble, 'portal.example.de')]);
            self::assertSame($trouble->value, $found['reachable']->outcome);
            self::assertSame(['portal.example.de'], $found['reachable']->arguments);
            self::assertSame(State::Later, $found['access']->state);
            self::assertSame(State::Good, $found['login']->state);
        }
    }

    public function testSomebodyElsesPageAndOtherWrongAnswersAreToldApart(): void
    {
        foreach ([
            'foreign' => new Answer(200, ['content-type' => 'text/html'], '<h1>Willkommen</h1>'),
            'redirect' => new Answer(301, ['location' => 'https://portal.example.de/']),
            'unavailable' => Samples::door([], 503),
            'unknown' => Samples::door([], 404),
        ] as $outcome => $door) {
            self::assertSame($outcome, $this->found(['/sso/website' => $door])['reachable']->outcome);
        }
        $foreign = new Answer(404, ['content-type' => 'text/html'], 'nginx');
        self::assertSame('foreign', $this->found(['/sso/website' => $foreign])['reachable']->outcome);
        self::assertSame('foreign', $this->found(['/sso/website' => new Answer(413, [], 'nginx')])['reachable']->outcome);
    }

    public function testAClockThatIsFiveMinutesOffIsTheCauseAndNotTheKey(): void
    {
        $refused = ['/admin/version' => Samples::json(['code' => 'token_refused'], 401)];
        $found = $this->found($refused, null, Samples::NOW - 300);
        self::assertSame(['clock slow', 'access later', 'version later', 'connection later', 'delivery later'], $this->notGood($found));
        self::assertSame([300], $found['clock']->arguments);
        self::assertSame('fast', $this->found($refused, null, Samples::NOW + 300)['clock']->outcome);
        self::assertSame('drifting', $this->found([], null, Samples::NOW + 20)['clock']->outcome);
        self::assertSame('untold', $this->found(['/sso/website' => Samples::door(['date' => 'x'])])['clock']->outcome);
    }

    public function testAWrongPublicAddressIsTheCauseAndNotTheKey(): void
    {
        $found = $this->found([
            '/sso/website' => Samples::door(['portal-address' => 'https://portal.other.de/musterbau']),
            '/admin/version' => Samples::json(['code' => 'token_refused'], 401),
        ]);
        self::assertSame(['https://portal.other.de/musterbau', Samples::URL], $found['audience']->arguments);
        self::assertSame(State::Later, $found['access']->state);
    }

    public function testAWrongKeyIsToldWhenNothingElseCanBeTheCause(): void
    {
        $found = $this->found(['/admin/version' => Samples::json(['code' => 'token_refused'], 401)]);
        self::assertSame(['access refused', 'version later', 'connection later', 'delivery later'], $this->notGood($found));
    }

    public function testAMissingOrUnusableKeyIsToldWithTheVariable(): void
    {
        foreach (['missing', 'short', 'many', 'unreadable'] as $problem) {
            $found = $this->found([], Samples::facts(['keys' => null, 'keyProblem' => $problem]));
            self::assertSame($problem, $found['key']->outcome);
            self::assertSame(['MIETERPORTAL_KEY_WEBSITE'], $found['key']->arguments);
            self::assertSame(State::Later, $found['access']->state);
            self::assertSame(State::Good, $found['clock']->state);
        }
    }

    public function testANewKeyThatThePortalDoesNotKnowYetIsTold(): void
    {
        $tries = 0;
        $version = static function () use (&$tries): Answer {
            $tries++;

            return $tries === 1 ? Samples::json(['code' => 'token_refused'], 401) : Samples::version();
        };
        $found = $this->found(['/admin/version' => $version], Samples::facts(['keys' => new KeyRing([Samples::PREVIOUS, Samples::KEY])]));
        self::assertSame(['key rotating', 'access previous'], $this->notGood($found));
        self::assertSame([KeyRing::id(Samples::KEY)], $found['access']->arguments);
    }

    public function testWithoutSettingsTheRestWaits(): void
    {
        $found = $this->found([], Samples::facts(['settings' => null, 'settingsProblem' => 'mieterportal.portalUrl', 'keys' => null]));
        self::assertSame('incomplete', $found['settings']->outcome);
        self::assertSame(State::Later, $found['reachable']->state);
        self::assertSame(State::Later, $found['csp']->state);
        self::assertSame(count(Step::cases()), count($found));
    }

    public function testAnOriginThatThePortalDoesNotKnowIsNamed(): void
    {
        $facts = Samples::facts(['origins' => ['https://www.example.de', 'https://en.example.de']]);
        $found = $this->found([], $facts);
        self::assertSame(['https://en.example.de', 'https://www.example.de'], $found['origin']->arguments);
        $elsewhere = $this->found([], Samples::facts(['backendOrigin' => 'https://cms.example.de']));
        self::assertSame('backend', $elsewhere['origin']->outcome);
        self::assertSame(State::Warning, $elsewhere['origin']->state);
    }

    public function testAnOldPortalAndAnotherKindOfConnectionAreTold(): void
    {
        $version = Samples::json(['version' => '0.0.9', 'connection' => ['kind' => 'generic'], 'immotion' => false]);
        $found = $this->found(['/admin/version' => $version]);
        self::assertSame(['version old', 'connection kind', 'delivery none'], $this->notGood($found));
    }

    public function testAPolicyThatShutsThePortalOutIsToldWithItsDirectives(): void
    {
        $found = $this->found(['www.example.de/mieterportal' => Samples::page("default-src 'self'; img-src *")]);
        self::assertSame(['style-src-elem, script-src-elem, frame-src', 'https://portal.example.de'], $found['csp']->arguments);
    }

    public function testACacheThatCouldShowOnesDataToAnotherIsTold(): void
    {
        $shared = $this->found(['www.example.de/mieterportal' => Samples::page('', 'public, max-age=600')]);
        self::assertSame('shared', $shared['cache']->outcome);
        $hit = $this->found(['www.example.de/mieterportal' => new Answer(200, ['age' => '12'])]);
        self::assertSame('hit', $hit['cache']->outcome);
    }

    public function testAPageThatIsMissingOrCannotBeAskedForIsTold(): void
    {
        self::assertSame('none', $this->found([], Samples::facts(['pageUrl' => '']))['page']->outcome);
        $unseen = $this->found(['www.example.de/mieterportal' => new NoAnswer(Trouble::Certificate, 'www.example.de')]);
        self::assertSame(['page unseen', 'csp later', 'cache later'], $this->notGood($unseen));
        $denied = $this->found(['www.example.de/mieterportal' => new Answer(403, ['cache-control' => 'private'])]);
        self::assertSame('status', $denied['page']->outcome);
    }

    public function testTheLoginPageIsLookedAt(): void
    {
        foreach (['none' => State::Warning, 'missing' => State::Bad, 'hidden' => State::Bad, 'noForm' => State::Bad] as $login => $state) {
            $found = $this->found([], Samples::facts(['login' => $login]));
            self::assertSame([$login, $state], [$found['login']->outcome, $found['login']->state]);
        }
    }
}
