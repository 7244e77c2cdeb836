<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional;

use Mieterportal\Typo3\Tests\Functional\Fixtures\Portal;
use Mieterportal\Typo3\Tests\Functional\Fixtures\SiteWithPortal;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Test;

require_once __DIR__ . '/Fixtures/SiteWithPortal.php';

/**
 * The content element with the current notices.
 */
final class AushaengeTest extends SiteWithPortal
{
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
    public function aPortalThatIsNotWellKeepsNoPageWithNoticesWaitingTwice(?array $trouble, string $logged): void
    {
        $this->portal->answer = $trouble;
        foreach ([12, null] as $user) {
            $answer = $this->view('/aktuelles', $user);
            self::assertSame(200, $answer->getStatusCode());
            self::assertStringContainsString('Die Aushänge können gerade nicht angezeigt werden', (string)$answer->getBody());
            self::assertStringContainsString('href="tel:0301234567"', (string)$answer->getBody());
            self::assertStringNotContainsString('Willkommen', (string)$answer->getBody());
        }
        self::assertStringContainsString($logged, $this->log());
        $asked = count($this->portal->asked);
        $this->view('/aktuelles');
        $this->view('/aktuelles', null);
        self::assertCount($asked, $this->portal->asked);
    }
}
