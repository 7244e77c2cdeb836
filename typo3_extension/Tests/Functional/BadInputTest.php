<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional;

use Mieterportal\Typo3\Tests\Functional\Fixtures\Portal;
use Mieterportal\Typo3\Tests\Functional\Fixtures\SiteWithPortal;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\Test;
use PHPUnit\Framework\Attributes\TestWith;

require_once __DIR__ . '/Fixtures/SiteWithPortal.php';

/**
 * What visitors see, and administrators read in the log, when something between here and the portal is not as it should
 * be. Neither ever holds a token or a trace.
 */
final class BadInputTest extends SiteWithPortal
{
    private static function date(int $seconds): string
    {
        return gmdate('D, d M Y H:i:s', time() + $seconds) . ' GMT';
    }

    /**
     * Nothing of what has been sent or signed is in what somebody reads, and no line of a program.
     */
    private function assertNothingLeaks(string $read): void
    {
        foreach ($this->portal->asked as $asked) {
            $authorization = $asked->getHeaderLine('Authorization');
            if ($authorization !== '') {
                self::assertStringNotContainsString(explode(':', $authorization)[1], $read);
            }
        }
        self::assertStringNotContainsString(self::KEY, $read);
        self::assertDoesNotMatchRegularExpression('/Portal website:|Stack trace|#0 |\\.php/', $read);
    }

    /**
     * @param ?array{int, array<string, string>, string} $trouble
     */
    #[Test]
    #[DataProvider('troubles')]
    public function thePageStaysUpWhenThePortalIsNotWell(?array $trouble, string $logged): void
    {
        $this->portal->answer = $trouble;
        $answer = $this->view('/mieterportal');
        self::assertSame(200, $answer->getStatusCode());
        $html = (string)$answer->getBody();
        self::assertStringContainsString('antwortet gerade nicht', $html);
        self::assertStringContainsString('030 123-4567', $html);
        self::assertStringContainsString('<p>made ', $html);
        self::assertSame(503, $this->sent($this->form('/mieterportal/melden/schaden', ['a' => 'b']))->getStatusCode());
        self::assertStringContainsString($logged, $this->log());
        self::assertStringNotContainsString('clocks', $this->log());
        $this->assertNothingLeaks($html . $this->log());
    }

    #[Test]
    #[TestWith([300])]
    #[TestWith([-300])]
    public function aClockFiveMinutesOffIsInTheLogAndNotOnThePage(int $seconds): void
    {
        $this->portal->answer = [401, self::REFUSAL + ['Date' => self::date($seconds)], '{}'];
        $html = (string)$this->view('/mieterportal')->getBody();
        self::assertStringContainsString('antwortet gerade nicht', $html);
        self::assertStringContainsString('href="tel:0301234567"', $html);
        self::assertMatchesRegularExpression('/The clocks differ by ' . ($seconds < 0 ? '' : '-') . '(29|30)\d s\./', $this->log());
        $this->assertNothingLeaks($html . $this->log());
    }

    #[Test]
    #[TestWith([[], 'set the environment variable MIETERPORTAL_KEY_WEBSITE'])]
    #[TestWith([['key' => 'too-short'], 'shorter than 32 bytes'])]
    #[TestWith([['file' => '/nowhere/website.key'], 'cannot be read: /nowhere/website.key'])]
    public function aMissingOrUnusableKeyIsInTheLogAndNotOnThePage(array $key, string $logged): void
    {
        file_put_contents(
            $this->instancePath . '/typo3conf/system/additional.php',
            '$GLOBALS["TYPO3_CONF_VARS"]["EXTENSIONS"]["mieterportal"]["keys"]["website"] = ' . var_export($key, true) . ';',
            FILE_APPEND,
        );
        $answer = $this->view('/mieterportal');
        $html = (string)$answer->getBody();
        self::assertSame(200, $answer->getStatusCode());
        self::assertStringContainsString('antwortet gerade nicht', $html);
        self::assertStringContainsString($logged, $this->log());
        self::assertStringNotContainsString('MIETERPORTAL_KEY', $html);
        self::assertStringNotContainsString('too-short', $html . $this->log());
        self::assertSame([], $this->portal->asked);
        $this->assertNothingLeaks($html . $this->log());
    }

    #[Test]
    public function aFormThatAWebServerFindsTooLargeIsToldSo(): void
    {
        $this->portal->answer = [413, ['Content-Type' => 'text/html'], '<h1>413 Request Entity Too Large</h1>'];
        $answer = $this->sent($this->form('/mieterportal/melden/schaden', ['beschreibung' => 'Film']));
        $html = (string)$answer->getBody();
        self::assertSame(413, $answer->getStatusCode());
        self::assertStringContainsString('Die Dateien sind zusammen zu groß', $html);
        self::assertStringContainsString('href="' . self::SITE . '/mieterportal/melden/schaden"', $html);
        self::assertStringNotContainsString('Request Entity', $html);
        self::assertStringContainsString('raise what the web server before the portal takes', $this->log());
        $this->assertNothingLeaks($html . $this->log());
    }

    #[Test]
    public function aFormOfSomebodySignedOutIsKeptByThePortal(): void
    {
        $this->portal->answer = [401, Portal::PAGE + ['Portal-Input-Kept' => '1', 'WWW-Authenticate' => 'Portal'], '<p>Bitte anmelden</p>'];
        $answer = $this->sent($this->form('/mieterportal/melden/schaden', ['beschreibung' => 'Lang']), null);
        $html = (string)$answer->getBody();
        self::assertSame(401, $answer->getStatusCode());
        self::assertStringContainsString('ist gesichert', $html);
        $back = rawurlencode(self::SITE . '/mieterportal/melden/schaden');
        self::assertStringContainsString('redirect_url=' . $back, html_entity_decode($html));
        self::assertSame('', $this->portal->asked[0]->getHeaderLine('Authorization'));
    }

    #[Test]
    public function aFormThatCannotBeKeptIsSaidToBeLost(): void
    {
        $this->portal->answer = [401, Portal::PAGE + ['WWW-Authenticate' => 'Portal'], '<p>Bitte anmelden</p>'];
        $html = (string)$this->sent($this->form('/mieterportal/melden/schaden', ['a' => 'b']), null)->getBody();
        self::assertStringContainsString('Dieses Formular wurde nicht gesendet', $html);
        self::assertStringNotContainsString('ist gesichert', $html);
    }
}
