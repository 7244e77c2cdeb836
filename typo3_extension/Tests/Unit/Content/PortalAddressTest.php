<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Content;

use Mieterportal\Typo3\Content\Embedding;
use Mieterportal\Typo3\Content\PortalAddress;
use Mieterportal\Typo3\Content\PortalElement;
use PHPUnit\Framework\TestCase;

final class PortalAddressTest extends TestCase
{
    private const BASE = 'https://www.example.de/schaden';

    private static function way(string $path = '', string $query = ''): PortalAddress
    {
        $element = new PortalElement(1, PortalElement::WAY, Embedding::Fragment, [], 'melden/schaden', 'schadenskategorie=SANITAER');

        return new PortalAddress($element, self::BASE, $path, $query);
    }

    public function testThePageItselfIsWhereItsElementBegins(): void
    {
        $address = self::way(query: 'lang=en');
        self::assertSame('melden/schaden', $address->portalPath());
        self::assertSame('schadenskategorie=SANITAER&lang=en', $address->portalQuery());
        self::assertSame(self::BASE . '?lang=en', $address->getUrl());
    }

    public function testBelowThePageThePathIsThePortals(): void
    {
        $address = self::way('vorgaenge/1', 'neu=1');
        self::assertSame(['vorgaenge/1', 'neu=1'], [$address->portalPath(), $address->portalQuery()]);
        self::assertSame(self::BASE . '/vorgaenge/1?neu=1', $address->getUrl());
    }

    public function testAWindowOfItsOwnBeginsWhereTheElementDoes(): void
    {
        self::assertSame('melden/schaden?schadenskategorie=SANITAER', self::way()->element->target());
    }

    /**
     * @dataProvider groups
     * @param list<int> $of
     * @param list<int> $visitor
     */
    public function testIsShownToWhomTypo3ShowsIt(array $of, array $visitor, bool $shown): void
    {
        self::assertSame($shown, (new PortalElement(1, PortalElement::PORTAL, Embedding::Fragment, $of))->isFor($visitor));
    }

    /**
     * @return array<string, array{list<int>, list<int>, bool}>
     */
    public static function groups(): array
    {
        return [
            'everybody' => [[], [0, -1], true],
            'signed in, for anybody signed in' => [[-2], [0, -2, 5], true],
            'signed out, for anybody signed in' => [[-2], [0, -1], false],
            'of the group' => [[5, 6], [0, -2, 5], true],
            'of another group' => [[6], [0, -2, 5], false],
        ];
    }
}
