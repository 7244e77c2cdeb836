<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional\Fixtures;

use Psr\Http\Message\ResponseInterface;
use TYPO3\CMS\Core\Cache\Backend\Typo3DatabaseBackend;
use TYPO3\TestingFramework\Core\Functional\Framework\Frontend\InternalRequest;
use TYPO3\TestingFramework\Core\Functional\Framework\Frontend\InternalRequestContext;
use TYPO3\TestingFramework\Core\Functional\FunctionalTestCase;

require_once __DIR__ . '/Portal.php';
require_once __DIR__ . '/Counter.php';

/**
 * A site with every content element and a login form. The portal at the far side is told how to answer, at TYPO3's own
 * HTTP client.
 */
abstract class SiteWithPortal extends FunctionalTestCase
{
    protected const SITE = 'https://www.example.de';
    protected const KEY = 'the-key-has-at-least-32-bytes-ok';

    protected const REFUSAL = ['Content-Type' => 'application/problem+json', 'WWW-Authenticate' => 'Portal', 'X-Request-ID' => 'r-77'];

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

    protected Portal $portal;

    /**
     * @return array<string, array{?array{int, array<string, string>, string}, string}>
     */
    public static function troubles(): array
    {
        $html = ['Content-Type' => 'text/html'];

        return [
            'nobody there' => [null, 'Connection refused'],
            'somebody else there' => [[200, $html, '<h1>Willkommen</h1>'], 'is mieterportal.portalUrl its address?'],
            'somebody else asking for a password' => [
                [401, ['Content-Type' => 'text/plain', 'WWW-Authenticate' => 'Basic realm="x"'], ''],
                'answered with 401 and text/plain, which is no page of a portal',
            ],
            'wrong key or wrong public address' => [[401, self::REFUSAL, '{}'], 'its log says why, request r-77.'],
            'a proxy in trouble' => [[502, $html, '<h1>Bad gateway</h1>'], 'answered with 502 and text/html'],
            'a page cut short' => [[200, Portal::PAGE + ['Content-Length' => '9999'], '<p>Gu'], 'The page broke off after 5 of 9999'],
        ];
    }

    protected function setUp(): void
    {
        parent::setUp();
        $this->importCSVDataSet(__DIR__ . '/site.csv');
        $folder = $this->instancePath . '/typo3conf/sites/main/';
        is_dir($folder) || mkdir($folder, 0777, true);
        file_put_contents($folder . 'config.yaml', (string)json_encode([
            'rootPageId' => 1,
            'base' => self::SITE . '/',
            'dependencies' => ['typo3/fluid-styled-content', 'typo3/felogin', 'mieterportal/mieterportal'],
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
        foreach ($this->logs() as $file) {
            file_put_contents($file, ''); // one installation serves all tests of a class
        }
        $this->portal = Portal::$current = new Portal();
        // Every request of these tests reads the configuration anew.
        file_put_contents(
            $this->instancePath . '/typo3conf/system/additional.php',
            '<?php $GLOBALS["TYPO3_CONF_VARS"]["HTTP"]["handler"] = ["portal" => \\' . Portal::class . '::$current];',
        );
    }

    protected function sent(InternalRequest $request, ?int $user = 12): ResponseInterface
    {
        $context = $user === null ? new InternalRequestContext() : (new InternalRequestContext())->withFrontendUserId($user);

        return $this->executeFrontendSubRequest($request, $context);
    }

    protected function view(string $path, ?int $user = 12): ResponseInterface
    {
        return $this->sent(new InternalRequest(self::SITE . $path), $user);
    }

    /**
     * @param array<string, mixed> $fields
     */
    protected function form(string $path, array $fields): InternalRequest
    {
        return (new InternalRequest(self::SITE . $path))
            ->withMethod('POST')
            ->withHeader('Content-Type', 'multipart/form-data; boundary=x')
            ->withParsedBody($fields);
    }

    /**
     * What TYPO3 has written into its logs.
     */
    protected function log(): string
    {
        return implode('', array_map(file_get_contents(...), $this->logs()));
    }

    /**
     * @return list<string>
     */
    private function logs(): array
    {
        return glob($this->instancePath . '/typo3temp/var/log/*.log') ?: [];
    }
}
