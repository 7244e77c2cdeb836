<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional;

use Mieterportal\Typo3\Tests\Functional\Fixtures\Counter;
use Mieterportal\Typo3\Tests\Functional\Fixtures\Portal;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Test;
use Psr\Http\Message\ResponseInterface;
use TYPO3\CMS\Core\Cache\Backend\Typo3DatabaseBackend;
use TYPO3\CMS\Core\Http\UploadedFile;
use TYPO3\TestingFramework\Core\Functional\Framework\Frontend\InternalRequest;
use TYPO3\TestingFramework\Core\Functional\Framework\Frontend\InternalRequestContext;
use TYPO3\TestingFramework\Core\Functional\FunctionalTestCase;

require_once __DIR__ . '/Fixtures/Portal.php';
require_once __DIR__ . '/Fixtures/Counter.php';

/**
 * What only TYPO3 can show. The portal at the far side is told how to answer, at TYPO3's own HTTP client.
 */
final class FrontEndTest extends FunctionalTestCase
{
    private const SITE = 'https://www.example.de';
    private const KEY = 'the-key-has-at-least-32-bytes-ok';

    protected array $coreExtensionsToLoad = ['typo3/cms-felogin', 'typo3/cms-fluid-styled-content'];
    protected array $testExtensionsToLoad = ['mieterportal/typo3-mieterportal'];
    protected array $configurationToUseInTestInstance = [
        'EXTENSIONS' => ['mieterportal' => ['keys' => ['website' => ['key' => self::KEY]]]],
        'FE' => ['cacheHash' => ['enforceValidation' => true]],
        'SYS' => ['caching' => ['cacheConfigurations' => [
            'pages' => ['backend' => Typo3DatabaseBackend::class],
            'hash' => ['backend' => Typo3DatabaseBackend::class],
        ]]],
    ];

    private Portal $portal;

    protected function setUp(): void
    {
        parent::setUp();
        $this->importCSVDataSet(__DIR__ . '/Fixtures/site.csv');
        $folder = $this->instancePath . '/typo3conf/sites/main/';
        is_dir($folder) || mkdir($folder, 0777, true);
        file_put_contents($folder . 'config.yaml', (string)json_encode([
            'rootPageId' => 1,
            'base' => self::SITE . '/',
            'dependencies' => ['typo3/fluid-styled-content', 'mieterportal/mieterportal'],
            'languages' => [['languageId' => 0, 'title' => 'Deutsch', 'base' => '/', 'locale' => 'de_DE.UTF-8', 'enabled' => true]],
        ]));
        file_put_contents($folder . 'settings.yaml', (string)json_encode(['mieterportal' => [
            'portalUrl' => 'https://portal.example.de/musterbau',
            'connection' => 'website',
            'loginPage' => 3,
            'tenantGroups' => ['1'],
            'personField' => 'www',
            'emergencyPhone' => '030 123-4567',
        ]]));
        file_put_contents(
            $folder . 'setup.typoscript',
            'page = PAGE
            page.5 = USER
            page.5.userFunc = ' . Counter::class . '->next
            page.10 < styles.content.get
            page.20 = COA
            page.20.10 < lib.mieterportal.breadcrumb',
        );
        $this->portal = Portal::$current = new Portal();
        // Every request of these tests reads the configuration anew.
        file_put_contents(
            $this->instancePath . '/typo3conf/system/additional.php',
            '<?php $GLOBALS["TYPO3_CONF_VARS"]["HTTP"]["handler"] = ["portal" => \\' . Portal::class . '::$current];',
        );
    }

    private function sent(InternalRequest $request, ?int $user = 12): ResponseInterface
    {
        $context = $user === null ? new InternalRequestContext() : (new InternalRequestContext())->withFrontendUserId($user);

        return $this->executeFrontendSubRequest($request, $context);
    }

    private function view(string $path, ?int $user = 12): ResponseInterface
    {
        return $this->sent(new InternalRequest(self::SITE . $path), $user);
    }

    /**
     * @param array<string, mixed> $fields
     */
    private function form(string $path, array $fields): InternalRequest
    {
        return (new InternalRequest(self::SITE . $path))
            ->withMethod('POST')
            ->withHeader('Content-Type', 'multipart/form-data; boundary=x')
            ->withParsedBody($fields);
    }

    #[Test]
    public function aPageOfThePortalStandsInThePageOfSomebodySignedIn(): void
    {
        $answer = $this->view('/mieterportal');
        self::assertSame(200, $answer->getStatusCode());
        self::assertStringContainsString('<div class="mieterportal">Meine Vorgänge</div>', (string)$answer->getBody());
        self::assertStringContainsString('Schaden melden</title>', (string)$answer->getBody());
        self::assertSame('private, no-store', $answer->getHeaderLine('Cache-Control'));
        self::assertCount(1, $this->portal->asked);
        self::assertSame('https://portal.example.de/musterbau', (string)$this->portal->asked[0]->getUri());
        self::assertSame(self::SITE . '/mieterportal', $this->portal->asked[0]->getHeaderLine('Portal-Base-Url'));
        self::assertSame('', $this->portal->asked[0]->getHeaderLine('Cookie'));
    }

    #[Test]
    public function thePortalIsToldWhoItIs(): void
    {
        $this->view('/mieterportal');
        $said = $this->portal->claims();
        self::assertSame(['fe_users:12', 'P12', 'Zoë Müller', ['mieter'], 'de', 'fragment'], [
            $said['sub'], $said['person'], $said['name'], $said['roles'], $said['lang'], $said['typ'],
        ]);
        $this->view('/mieterportal', 13);
        self::assertSame(['person', 'roles'], array_values(array_diff(array_keys($said), array_keys($this->portal->claims()))));
    }

    #[Test]
    public function everyAddressBelowThePageIsAPageOfThePortal(): void
    {
        $this->portal->answer = [404, Portal::PAGE, '<p>Seite nicht gefunden</p>'];
        $answer = $this->view('/mieterportal/vorgaenge/1?zustand=offen&art=x');
        self::assertSame(404, $answer->getStatusCode());
        self::assertStringContainsString('Seite nicht gefunden', (string)$answer->getBody());
        self::assertSame('/musterbau/vorgaenge/1', $this->portal->asked[0]->getUri()->getPath());
        self::assertSame('zustand=offen&art=x', $this->portal->asked[0]->getUri()->getQuery());
    }

    #[Test]
    public function belowAnyOtherPageNothingChanges(): void
    {
        self::assertSame(200, $this->view('/ueber-uns')->getStatusCode());
        self::assertSame(404, $this->view('/ueber-uns/vorgaenge')->getStatusCode());
        self::assertSame(404, $this->view('/rahmen/vorgaenge')->getStatusCode());
        self::assertSame([], $this->portal->asked);
    }

    #[Test]
    public function theRestOfThePageIsMadeOnceForAllAddressesOfThePortal(): void
    {
        $this->view('/mieterportal');
        $before = Counter::$count;
        $this->portal->answer = [200, Portal::PAGE, '<p>etwas anderes</p>'];
        $answer = (string)$this->view('/mieterportal/vorgaenge?seite=2')->getBody();
        self::assertStringContainsString('<p>made ' . $before . '</p>', $answer);
        self::assertStringContainsString('<p>etwas anderes</p>', $answer);
        self::assertStringNotContainsString('Meine Vorgänge', $answer);
        self::assertSame($before, Counter::$count);
    }

    #[Test]
    public function theBreadcrumbEndsWithThePageOfThePortal(): void
    {
        self::assertStringNotContainsString('aria-current="page"', (string)$this->view('/mieterportal')->getBody());
        $answer = (string)$this->view('/mieterportal/melden/schaden')->getBody();
        self::assertStringContainsString('<li aria-current="page">Schaden melden</li>', $answer);
        self::assertStringContainsString('<a href="' . self::SITE . '/mieterportal">', $answer);
    }

    #[Test]
    public function aFileIsHandedOnAsItIs(): void
    {
        $headers = ['Content-Type' => 'application/pdf', 'Content-Disposition' => 'attachment; filename="a.pdf"'];
        $this->portal->answer = [206, $headers + ['Content-Range' => 'bytes 0-3/9', 'Content-Length' => '4'], 'brie'];
        $asked = (new InternalRequest(self::SITE . '/mieterportal/vorgaenge/1/anhaenge/2'))->withHeader('Range', 'bytes=0-3');
        $answer = $this->sent($asked);
        self::assertSame(
            [206, 'brie', 'bytes 0-3/9', '4', 'private, no-store'],
            [
                $answer->getStatusCode(), (string)$answer->getBody(), $answer->getHeaderLine('Content-Range'),
                $answer->getHeaderLine('Content-Length'), $answer->getHeaderLine('Cache-Control'),
            ],
        );
        self::assertSame('bytes=0-3', $this->portal->asked[0]->getHeaderLine('Range'));
    }

    #[Test]
    public function aRedirectIsHandedOn(): void
    {
        $this->portal->answer = [303, ['Location' => self::SITE . '/mieterportal/bestaetigen'], ''];
        $answer = $this->view('/mieterportal/konto');
        self::assertSame([303, self::SITE . '/mieterportal/bestaetigen'], [$answer->getStatusCode(), $answer->getHeaderLine('Location')]);
    }

    #[Test]
    public function aFormWithALargeFileIsHandedOn(): void
    {
        $path = $this->instancePath . '/film.mp4';
        $handle = fopen($path, 'w');
        ftruncate($handle, 25 * 1024 * 1024);
        fclose($handle);
        $this->portal->answer = [422, Portal::PAGE, '<p>Bitte prüfen</p>'];
        $form = $this->form('/mieterportal/melden/schaden', ['beschreibung' => 'Film'])
            ->withUploadedFiles(['anhaenge' => [new UploadedFile($path, 25 * 1024 * 1024, UPLOAD_ERR_OK, 'film.mp4', 'video/mp4')]]);
        $before = memory_get_peak_usage();
        $answer = $this->sent($form);
        self::assertSame(422, $answer->getStatusCode());
        self::assertStringStartsWith('multipart/form-data; boundary=', $this->portal->asked[0]->getHeaderLine('Content-Type'));
        self::assertGreaterThan(25 * 1024 * 1024, $this->portal->bytes[0]);
        self::assertLessThan(20 * 1024 * 1024, memory_get_peak_usage() - $before);
    }

    #[Test]
    public function whoeverIsNotSignedInSeesTheEmergencyNumberAndTheWayToSignIn(): void
    {
        $answer = (string)$this->view('/mieterportal/vorgaenge?seite=2', null)->getBody();
        self::assertStringContainsString('href="tel:0301234567"', $answer);
        self::assertStringContainsString('Bitte melden Sie sich an', $answer);
        $back = rawurlencode(self::SITE . '/mieterportal/vorgaenge?seite=2');
        self::assertStringContainsString('redirect_url=' . $back, html_entity_decode($answer));
        self::assertSame([], $this->portal->asked);
    }

    #[Test]
    public function aFormOfSomebodySignedOutIsKeptByThePortal(): void
    {
        $this->portal->answer = [401, Portal::PAGE + ['Portal-Input-Kept' => '1'], '<p>Bitte anmelden</p>'];
        $answer = $this->sent($this->form('/mieterportal/melden/schaden', ['beschreibung' => 'Lang']), null);
        self::assertSame(401, $answer->getStatusCode());
        self::assertStringContainsString('ist gesichert', (string)$answer->getBody());
        self::assertSame('', $this->portal->asked[0]->getHeaderLine('Authorization'));
    }

    /**
     * @return array<string, array{?array{int, array<string, string>, string}}>
     */
    public static function troubles(): array
    {
        return [
            'nobody there' => [null],
            'somebody else there' => [[200, ['Content-Type' => 'text/html'], '<h1>Willkommen</h1>']],
            'token refused' => [[401, ['Content-Type' => 'application/problem+json'], '{}']],
            'a proxy in trouble' => [[502, ['Content-Type' => 'text/html'], '<h1>Bad gateway</h1>']],
            'a page cut short' => [[200, Portal::PAGE + ['Content-Length' => '9999'], '<p>Gu']],
        ];
    }

    /**
     * @param ?array{int, array<string, string>, string} $trouble
     */
    #[Test]
    #[DataProvider('troubles')]
    public function thePageStaysUpWhenThePortalIsNotWell(?array $trouble): void
    {
        $this->portal->answer = $trouble;
        $answer = $this->view('/mieterportal');
        self::assertSame(200, $answer->getStatusCode());
        $html = (string)$answer->getBody();
        self::assertStringContainsString('antwortet gerade nicht', $html);
        self::assertStringContainsString('030 123-4567', $html);
        self::assertStringContainsString('<p>made ', $html);
        self::assertStringNotContainsString(explode(':', $this->portal->asked[0]->getHeaderLine('Authorization'))[1], $html);
        self::assertSame(503, $this->sent($this->form('/mieterportal/melden/schaden', ['a' => 'b']))->getStatusCode());
    }

    #[Test]
    public function aFrameIsGivenATokenForItsOwnSiteAndVisitorOnly(): void
    {
        self::assertStringContainsString(
            '<mieter-portal src="https://portal.example.de/musterbau/sso/website" token-url="/_mieterportal/token"',
            (string)$this->view('/rahmen')->getBody(),
        );
        $request = (new InternalRequest(self::SITE . '/_mieterportal/token'))->withMethod('POST')->withParsedBody(['nonce' => 'n-1']);
        self::assertSame(403, $this->sent($request)->getStatusCode());
        $own = $request->withHeader('Origin', self::SITE);
        self::assertSame(401, $this->sent($own, null)->getStatusCode());
        self::assertSame(400, $this->sent($own->withParsedBody(['nonce' => '']))->getStatusCode());
        $answer = $this->sent($own);
        $token = json_decode((string)$answer->getBody(), true)['token'];
        $said = json_decode((string)base64_decode(strtr(explode('.', $token)[0], '-_', '+/'), true), true);
        self::assertSame(['login', 'n-1', 'private, no-store'], [$said['typ'], $said['nonce'], $answer->getHeaderLine('Cache-Control')]);
    }

    #[Test]
    public function aButtonLeadsToAPageThatSignsOn(): void
    {
        $page = (string)$this->view('/service', null)->getBody();
        self::assertStringContainsString('href="tel:0301234567"', $page);
        self::assertStringContainsString('Zum Schaden</a>', $page);
        preg_match('/href="(\/_mieterportal\/start[^"]*)"/', $page, $found);
        $start = $this->view(html_entity_decode($found[1]));
        self::assertStringContainsString(
            'action="https://portal.example.de/musterbau/sso/website?ziel=melden%2Fschaden%3Fschadenskategorie%3DSANITAER"',
            (string)$start->getBody(),
        );
        self::assertStringContainsString("form-action 'self' https://portal.example.de", $start->getHeaderLine('Content-Security-Policy'));
        $anonymous = $this->view(html_entity_decode($found[1]), null);
        self::assertSame(303, $anonymous->getStatusCode());
        self::assertStringStartsWith(self::SITE . '/anmelden?', $anonymous->getHeaderLine('Location'));
    }

    /**
     * @param array<string, string> $settings
     */
    private function setAushaenge(array $settings): void
    {
        $fields = '';
        foreach ($settings as $name => $value) {
            $fields .= '<field index="settings.' . $name . '"><value index="vDEF">' . $value . '</value></field>';
        }
        $form = '<?xml version="1.0"?><T3FlexForms><data><sheet index="sDEF"><language index="lDEF">' . $fields . '</language></sheet></data></T3FlexForms>';
        $this->getConnectionPool()->getConnectionForTable('tt_content')->update('tt_content', ['pi_flexform' => $form], ['uid' => 60]);
    }

    #[Test]
    public function visitorsSeeThePublicNoticesForWhichThePortalIsAskedOnceAMinute(): void
    {
        $this->portal->answer = [200, Portal::PAGE, '<article>Heizung ausgefallen</article>'];
        foreach ([1, 2] as $_) {
            self::assertStringContainsString('<article>Heizung ausgefallen</article>', (string)$this->view('/aktuelles', null)->getBody());
        }
        self::assertCount(1, $this->portal->asked);
        self::assertSame('https://portal.example.de/musterbau/aushang?teil=1&lang=de', (string)$this->portal->asked[0]->getUri());
        self::assertSame('', $this->portal->asked[0]->getHeaderLine('Authorization'));
    }

    #[Test]
    public function whoeverIsSignedInSeesTheirOwnNoticesWhichAreKeptForNobody(): void
    {
        $this->portal->answer = [200, Portal::PAGE, '<article>Wasser im Haus von Zoë</article>'];
        foreach ([1, 2] as $times) {
            self::assertStringContainsString('Haus von Zoë', (string)$this->view('/aktuelles')->getBody());
            self::assertCount($times, $this->portal->asked);
        }
        self::assertSame('fe_users:12', $this->portal->claims()['sub']);
        self::assertSame(self::SITE . '/mieterportal', $this->portal->asked[0]->getHeaderLine('Portal-Base-Url'));
        $this->portal->answer = [200, Portal::PAGE, ''];
        self::assertStringNotContainsString('Haus von Zoë', (string)$this->view('/aktuelles', null)->getBody());
    }

    #[Test]
    public function noticesForEverybodyAreAskedForWithoutSayingWhoLooks(): void
    {
        $this->setAushaenge(['audience' => 'public']);
        $this->view('/aktuelles');
        self::assertSame('', $this->portal->asked[0]->getHeaderLine('Authorization'));
    }

    #[Test]
    public function whereNoPageHasThePortalInItTheNoticesAreThePublicOnes(): void
    {
        $this->setAushaenge(['page' => '5']); // the portal stands in a frame there
        $this->view('/aktuelles');
        self::assertSame('', $this->portal->asked[0]->getHeaderLine('Authorization'));
    }

    #[Test]
    public function thatThereIsNoNoticeIsSaidUnlessAnEditorWantsNothing(): void
    {
        $this->portal->answer = [200, Portal::PAGE, ''];
        self::assertStringContainsString('Zurzeit ist nichts ausgehängt.', (string)$this->view('/aktuelles')->getBody());
        $this->setAushaenge(['none' => 'nothing']);
        $this->getConnectionPool()->getConnectionForTable('cache_pages')->truncate('cache_pages');
        self::assertStringNotContainsString('ausgehängt', (string)$this->view('/aktuelles')->getBody());
    }

    /**
     * @param ?array{int, array<string, string>, string} $trouble
     */
    #[Test]
    #[DataProvider('troubles')]
    public function aPortalThatIsNotWellKeepsNoPageWithNoticesWaitingTwice(?array $trouble): void
    {
        $this->portal->answer = $trouble;
        foreach ([12, null] as $user) {
            $answer = $this->view('/aktuelles', $user);
            self::assertSame(200, $answer->getStatusCode());
            self::assertStringContainsString('Die Aushänge können gerade nicht angezeigt werden', (string)$answer->getBody());
            self::assertStringContainsString('href="tel:0301234567"', (string)$answer->getBody());
            self::assertStringNotContainsString('Willkommen', (string)$answer->getBody());
        }
        $asked = count($this->portal->asked);
        $this->view('/aktuelles');
        $this->view('/aktuelles', null);
        self::assertCount($asked, $this->portal->asked);
    }
}
