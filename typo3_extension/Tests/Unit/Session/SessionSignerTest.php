<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Session;

use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Session\Token;
use PHPUnit\Framework\TestCase;

final class SessionSignerTest extends TestCase
{
    private const OLD = 'the-old-key-has-at-least-32-bytes';
    private const NEW = 'the-new-key-has-at-least-32-bytes';
    private const NOW = 1790000000;

    /**
     * @param list<string> $keys
     */
    private function signer(array $keys = [self::NEW]): SessionSigner
    {
        $clock = static fn(): int => self::NOW;

        return new SessionSigner('website', 'https://portal.example.de/musterbau', new KeyRing($keys), $clock);
    }

    /**
     * @return array<string, mixed>
     */
    private static function said(string $token): array
    {
        $claims = base64_decode(strtr(explode('.', $token)[0], '-_', '+/'), true);

        return json_decode((string)$claims, true, 8, JSON_THROW_ON_ERROR);
    }

    public function testSaysWhoItIsForAMinute(): void
    {
        $claims = new Claims('fe_users:12', 'sid', 'P12', 'Zoë Müller', 'zoe@example.test', 'de', ['mieter']);
        $said = self::said($this->signer()->token(Claims::FRAGMENT, $claims));
        self::assertSame(16, strlen((string)base64_decode(strtr($said['jti'], '-_', '+/'), true)));
        unset($said['jti']);
        self::assertSame([
            'v' => 1,
            'typ' => 'fragment',
            'iss' => 'website',
            'aud' => 'https://portal.example.de/musterbau',
            'sub' => 'fe_users:12',
            'sid' => 'sid',
            'iat' => self::NOW,
            'exp' => self::NOW + 60,
            'person' => 'P12',
            'name' => 'Zoë Müller',
            'email' => 'zoe@example.test',
            'lang' => 'de',
            'roles' => ['mieter'],
        ], $said);
    }

    public function testLeavesOutWhatIsNotKnown(): void
    {
        $said = self::said($this->signer()->token(Claims::FRAGMENT, new Claims('fe_users:12', 'sid')));
        self::assertSame(['v', 'typ', 'iss', 'aud', 'sub', 'sid', 'jti', 'iat', 'exp'], array_keys($said));
    }

    public function testTellsNothingOfThePersonWhenTheySignOut(): void
    {
        $said = self::said($this->signer()->token(Claims::LOGOUT, new Claims('fe_users:12', 'sid', 'P12', 'Zoë Müller')));
        self::assertArrayNotHasKey('person', $said);
        self::assertArrayNotHasKey('name', $said);
    }

    public function testCarriesTheNonceOfAFrame(): void
    {
        $said = self::said($this->signer()->token(Claims::LOGIN, new Claims('fe_users:12', 'sid'), 'nonce-1'));
        self::assertSame('nonce-1', $said['nonce']);
    }

    public function testEveryTokenIsItsOwn(): void
    {
        $claims = new Claims('fe_users:12', 'sid');
        $signer = $this->signer();
        self::assertNotSame($signer->token(Claims::FRAGMENT, $claims), $signer->token(Claims::FRAGMENT, $claims));
    }

    public function testWhileKeysRotateTheNewestSignsFirst(): void
    {
        [$first, $second] = $this->signer([self::OLD, self::NEW])->tokens(Claims::FRAGMENT, new Claims('fe_users:12', 'sid'));
        self::assertSame($first, Token::sign(self::said($first), self::NEW, self::NOW));
        self::assertSame($second, Token::sign(self::said($first), self::OLD, self::NOW));
    }
}
