<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Login;

use Mieterportal\Typo3\Login\SignOnPaths;
use PHPUnit\Framework\TestCase;

final class SignOnPathsTest extends TestCase
{
    public function testAPlaceAtThePortalIsTaken(): void
    {
        foreach (['melden/schaden', 'melden/schaden?schadenskategorie=SANITAER&gebaeude=G2', 'vorgaenge'] as $place) {
            self::assertSame($place, SignOnPaths::target($place));
        }
    }

    public function testAPlaceElsewhereIsNone(): void
    {
        foreach (['//evil.example', 'https://evil.example', 'a//b', '/a', "a\r\nb", '../b', 'a?b#c', ['a'], null, str_repeat('a', 201)] as $place) {
            self::assertSame('', SignOnPaths::target($place), json_encode($place) ?: '');
        }
    }
}
