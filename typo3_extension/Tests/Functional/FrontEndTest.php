<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional;

use Mieterportal\Typo3\Tests\Functional\Fixtures\Counter;
use Mieterportal\Typo3\Tests\Functional\Fixtures\Portal;
use Mieterportal\Typo3\Tests\Functional\Fixtures\SiteWithPortal;
use PHPUnit\Framework\Attributes\Test;
use PHPUnit\Framework\Attributes\TestWith;
use TYPO3\CMS\Core\Cache\CacheManager;
use TYPO3\CMS\Core\Http\UploadedFile;
use TYPO3\TestingFramework\Core\Functional\Framework\Frontend\InternalRequest;

require_once __DIR__ . '/Fixtures/SiteWithPortal.php';

/**
 * What only TYPO3 can show.
 */
final class FrontEndTest extends SiteWithPortal
{
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
    #[TestWith(['text/html', ''])]
    #[TestWith(['application/pdf', '5'])]
    public function whoAsksForTheHeadIsToldWhatAGetWouldBe(string $type, string $length): void
    {
        $headers = $length === '' ? Portal::PAGE : ['Content-Type' => $type, 'Content-Length' => $length];
        $this->portal->answer = [200, $headers, 'brief'];
        $answer = $this->sent((new InternalRequest(self::SITE . '/mieterportal/vorgaenge/1/anhaenge/2'))->withMethod('HEAD'));
        self::assertSame([200, $type], [$answer->getStatusCode(), explode(';', $answer->getHeaderLine('Content-Type'))[0]]);
        self::assertStringNotContainsString('brief', (string)$answer->getBody());
        self::assertSame('GET', $this->portal->asked[0]->getMethod());
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
    public function aButtonWithoutWordsOfItsOwnIsNamedAfterWhereItLeads(): void
    {
        $page = (string)$this->view('/service')->getBody();
        self::assertMatchesRegularExpression('~href="[^"]*melden%2Fkontakt"[^>]*>Kontakt</a>~', $page);
        self::assertMatchesRegularExpression('~href="[^"]*melden%2Fdokument"[^>]*>Dokument anfordern</a>~', $page);
        self::assertMatchesRegularExpression('~href="[^"?]*_mieterportal/start"[^>]*>Mieterportal öffnen</a>~', $page);
    }

    #[Test]
    public function severalElementsOnAPageShareNoId(): void
    {
        $page = (string)$this->view('/rahmen', null)->getBody();
        self::assertSame(2, substr_count($page, 'href="tel:0301234567"'));
        preg_match_all('/ id="([^"]+)"/', $page, $found);
        self::assertGreaterThan(3, count($found[1]));
        self::assertSame(array_unique($found[1]), $found[1]);
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

    #[Test]
    public function aButtonThatCannotSignOnLeadsToAPageWithTheEmergencyNumber(): void
    {
        $file = $this->instancePath . '/typo3conf/sites/main/settings.yaml';
        file_put_contents($file, str_replace('"connection":"website"', '"connection":"keyless"', (string)file_get_contents($file)));
        $this->get(CacheManager::class)->flushCaches();
        $start = $this->view('/_mieterportal/start?ziel=melden/schaden');
        self::assertSame(503, $start->getStatusCode());
        self::assertStringContainsString('<h1>Das Mieterportal antwortet gerade nicht</h1>', (string)$start->getBody());
        self::assertStringContainsString('href="tel:0301234567"', (string)$start->getBody());
        self::assertStringContainsString('No signing key', $this->log());
    }
}
