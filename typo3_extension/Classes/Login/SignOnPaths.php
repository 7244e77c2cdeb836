<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Site\Entity\SiteLanguage;

/**
 * Addresses of this site that sign a visitor on at the portal, for windows and frames of its own.
 */
final class SignOnPaths
{
    public const TOKEN = '_mieterportal/token';
    public const START = '_mieterportal/start';

    /** A place at the portal, below the Mandant: a path and a plain query, nothing that leads elsewhere. */
    private const TARGET = '~^(?!.*//)[A-Za-z0-9][A-Za-z0-9/_.-]*(\?[A-Za-z0-9_=&%.+-]*)?$~';

    public static function path(ServerRequestInterface $request, string $path): string
    {
        $language = $request->getAttribute('language');
        $base = $language instanceof SiteLanguage ? $language->getBase()->getPath() : '/';

        return rtrim($base, '/') . '/' . $path;
    }

    /**
     * @param string $target as in target()
     */
    public static function start(ServerRequestInterface $request, string $target): string
    {
        return self::path($request, self::START) . ($target === '' ? '' : '?' . http_build_query(['ziel' => $target]));
    }

    /**
     * @return string empty for anything that is no place at the portal
     */
    public static function target(mixed $given): string
    {
        return is_string($given) && strlen($given) <= 200 && preg_match(self::TARGET, $given) === 1 ? $given : '';
    }
}
