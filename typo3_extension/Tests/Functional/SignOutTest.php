<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional;

use GuzzleHttp\Cookie\SetCookie;
use Mieterportal\Typo3\Tests\Functional\Fixtures\Portal;
use Mieterportal\Typo3\Tests\Functional\Fixtures\SiteWithPortal;
use PHPUnit\Framework\Attributes\Test;
use Psr\Http\Message\ResponseInterface;
use TYPO3\CMS\Core\Crypto\PasswordHashing\PasswordHashFactory;
use TYPO3\TestingFramework\Core\Functional\Framework\Frontend\InternalRequest;

require_once __DIR__ . '/Fixtures/SiteWithPortal.php';

/**
 * Somebody signs in and out by the forms of felogin, with the cookies that a browser keeps.
 */
final class SignOutTest extends SiteWithPortal
{
    private const PASSWORD = 'Zoe-Geheim-1';

    /** @var array<string, string> */
    private array $cookies = [];

    protected function setUp(): void
    {
        parent::setUp();
        $hash = $this->get(PasswordHashFactory::class)->getDefaultHashInstance('FE')->getHashedPassword(self::PASSWORD);
        $this->getConnectionPool()->getConnectionForTable('fe_users')->update('fe_users', ['password' => $hash], ['uid' => 12]);
        $this->submitted(['user' => 'zoe', 'pass' => self::PASSWORD]);
    }

    private function browsed(InternalRequest $request): ResponseInterface
    {
        $answer = $this->sent($request->withCookieParams($this->cookies), null);
        foreach ($answer->getHeader('Set-Cookie') as $header) {
            $cookie = SetCookie::fromString($header);
            $this->cookies[$cookie->getName()] = (string)$cookie->getValue();
        }

        return $answer;
    }

    private function page(string $path): string
    {
        return (string)$this->browsed(new InternalRequest(self::SITE . $path))->getBody();
    }

    /**
     * Send the form that stands on the page with the login.
     *
     * @param array<string, string> $typed
     */
    private function submitted(array $typed = []): ResponseInterface
    {
        $page = new \DOMDocument();
        $page->loadHTML($this->page('/anmelden'), LIBXML_NOERROR);
        $fields = [];
        foreach ((new \DOMXPath($page))->query('//form//input[@name]') ?: [] as $input) {
            $fields[$input->getAttribute('name')] = $input->getAttribute('value');
        }
        parse_str(http_build_query($typed + $fields), $parsed);
        $action = (new \DOMXPath($page))->evaluate('string(//form/@action)');
        $request = (new InternalRequest(self::SITE . $action))
            ->withMethod('POST')
            ->withHeader('Content-Type', 'application/x-www-form-urlencoded')
            ->withParsedBody($parsed);

        return $this->browsed($request);
    }

    #[Test]
    public function whoSignsOutWithFeloginIsSignedOutOfThePortal(): void
    {
        self::assertStringContainsString('Meine Vorgänge', $this->page('/mieterportal'));
        $seen = $this->portal->claims();
        $this->portal->answer = [204, [], ''];
        self::assertSame(200, $this->submitted()->getStatusCode());
        [, $asked] = $this->portal->asked;
        self::assertSame('POST https://portal.example.de/musterbau/sso/website/logout', $asked->getMethod() . ' ' . $asked->getUri());
        $said = $this->portal->posted();
        self::assertSame(['logout', 'fe_users:12', $seen['sid']], [$said['typ'], $said['sub'], $said['sid']]);
        self::assertStringContainsString('Bitte melden Sie sich an', $this->page('/mieterportal'));
        self::assertCount(2, $this->portal->asked);
    }

    #[Test]
    public function whoHasNotBeenAtThePortalIsSignedOutWithoutAskingIt(): void
    {
        self::assertStringContainsString('logout', $this->page('/anmelden'));
        $this->submitted();
        self::assertStringNotContainsString('logout', $this->page('/anmelden'));
        self::assertSame([], $this->portal->asked);
    }

    #[Test]
    public function signingOutGoesOnWhenThePortalIsAway(): void
    {
        $this->page('/mieterportal');
        $this->portal->answer = null;
        self::assertSame(200, $this->submitted()->getStatusCode());
        self::assertStringContainsString('Signing out of the portal failed', $this->log());
        self::assertStringNotContainsString((string)end($this->portal->asked)->getBody(), $this->log());
        $this->portal->answer = [200, Portal::PAGE, '<p>Vorgang 1</p>'];
        self::assertStringNotContainsString('Vorgang 1', $this->page('/mieterportal'));
    }
}
